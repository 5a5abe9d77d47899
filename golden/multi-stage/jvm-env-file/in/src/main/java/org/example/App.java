package org.example;

import io.github.cdimascio.dotenv.Dotenv;

public class App {
    public static void main(String[] args) {
        System.out.println("hello");
    }
}
