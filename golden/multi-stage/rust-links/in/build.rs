fn main() {
    println!("cargo:rustc-link-lib=usb-1.0");
}
