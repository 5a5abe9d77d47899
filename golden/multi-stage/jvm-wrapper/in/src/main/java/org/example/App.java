package org.example;

import java.nio.file.*;

public class App {
    public static void main(String[] args) throws Exception {
        System.out.println(Files.readString(Path.of("data/prices.csv")));
    }
}
