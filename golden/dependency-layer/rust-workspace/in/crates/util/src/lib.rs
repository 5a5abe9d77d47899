pub fn number(n: u32) -> String { mac::word!().to_string() + itoa::Buffer::new().format(n) }
