fn main() {
    println!("{}", app::text());
}
