use std::fs;

fn main() {
    let settings = fs::read_to_string("config.toml").unwrap();
    let page = fs::read("assets/index.html").unwrap();
    serve(&settings, &page);
}
