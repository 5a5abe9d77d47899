pub fn text() -> String {
    itoa::Buffer::new().format(42).to_string()
}
