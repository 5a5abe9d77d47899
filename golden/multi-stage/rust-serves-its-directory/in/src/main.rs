fn main() {
    serve(ServeDir::new("."));
}
