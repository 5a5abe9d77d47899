package com.example.ferries;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;

/** When the ferries leave: a table from a file, and the hour of a fixed moment in local time. */
public final class Server {
    private Server() {}

    public static void main(String[] arguments) throws IOException {
        String departures = Files.readString(Path.of("data/departures.csv"));
        String harbour = System.getenv("HARBOUR");
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", exchange -> answer(exchange, 404, "nothing here\n"));
        server.createContext("/departures", exchange -> answer(exchange, 200, departures));
        server.createContext("/harbour", exchange -> answer(exchange, 200, harbour + "\n"));
        server.createContext("/summer", exchange -> answer(exchange, 200, summer() + "\n"));
        server.start();
    }

    private static String summer() {
        ZoneId zone = ZoneId.of("Europe/Berlin");
        return LocalDateTime.of(2026, 7, 1, 9, 35).atZone(zone).toOffsetDateTime().toString();
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
