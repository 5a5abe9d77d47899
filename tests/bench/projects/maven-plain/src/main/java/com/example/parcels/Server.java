package com.example.parcels;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers where a parcel is. */
public final class Server {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);
    private static final Map<String, String> PLACES = Map.of("1", "at the depot", "2", "on its way");

    private Server() {}

    public static void main(String[] args) throws IOException {
        ObjectMapper json = new ObjectMapper();
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/parcels/", exchange -> {
            String number = exchange.getRequestURI().getPath().substring("/parcels/".length());
            String place = PLACES.getOrDefault(number, "no such parcel");
            byte[] body = json.writeValueAsBytes(Map.of("number", number, "place", place));
            exchange.sendResponseHeaders(PLACES.containsKey(number) ? 200 : 404, body.length);
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        });
        server.start();
        LOG.info("listening on {}", server.getAddress());
    }
}
