package com.example.pier;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.core.io.ClassPathResource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Which boats lie at the pier, by a resource of the jar, and what the pier is called, by the environment. */
@SpringBootApplication
@RestController
public class Pier {
    @Value("${pier.name}")
    private String name;

    public static void main(String[] arguments) {
        SpringApplication.run(Pier.class, arguments);
    }

    @GetMapping("/boats")
    String boats() throws IOException {
        return new String(new ClassPathResource("boats.txt").getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @GetMapping("/name")
    String name() {
        return name;
    }
}
