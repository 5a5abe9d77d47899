@main def main() = println("hello")
