class Prices { }
