fn main() { println!("cargo:rustc-env=GREETING=hello"); cfg_if::cfg_if! { if #[cfg(unix)] { println!("cargo:rerun-if-changed=build.rs"); } } }
