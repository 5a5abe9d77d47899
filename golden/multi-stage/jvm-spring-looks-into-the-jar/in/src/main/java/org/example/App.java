package org.example;

public class App {
    public static void main(String[] args) {
        System.out.println(App.class.getProtectionDomain().getCodeSource());
        org.springframework.boot.SpringApplication.run(App.class, args);
    }
}
