use std::process::Command;

fn main() {
    let tool = std::env::var("TOOL").unwrap();
    Command::new(&tool).status().unwrap();
}
