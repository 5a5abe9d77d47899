fn main() { println!("{} {}", env!("GREETING"), util::number(42)); }
