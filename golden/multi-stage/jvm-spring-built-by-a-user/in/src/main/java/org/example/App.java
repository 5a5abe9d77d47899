package org.example;

public class App {
    public static void main(String[] args) {
        org.springframework.boot.SpringApplication.run(App.class, args);
    }
}
