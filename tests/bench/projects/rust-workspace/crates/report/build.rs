fn main() {
    println!("cargo:rerun-if-changed=unit.txt");
    let unit = std::fs::read_to_string("unit.txt").expect("unit.txt");
    println!("cargo:rustc-env=REPORT_UNIT={}", unit.trim());
}
