package com.example.harbour;

import java.time.Duration;
import java.time.LocalTime;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Tells when the tide turns. */
@SpringBootApplication
@RestController
public class Harbour {

    /** One turn of the tide. */
    public record Turn(String what, LocalTime at) {}

    private static final Duration HALF = Duration.ofMinutes(372);

    public static void main(String[] arguments) {
        SpringApplication.run(Harbour.class, arguments);
    }

    @GetMapping("/api/tides")
    List<Turn> tides() {
        LocalTime first = LocalTime.of(5, 12);
        return List.of(new Turn("high water", first), new Turn("low water", first.plus(HALF)));
    }
}
