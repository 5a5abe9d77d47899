mod work;

fn main() {
    work::run();
}
