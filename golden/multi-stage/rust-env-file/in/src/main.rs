fn main() {
    dotenvy::dotenv().ok();
}
