package org.example;

import javax.tools.JavaCompiler;

public class App {
    public static void main(String[] args) {
        System.out.println("hello");
    }
}
