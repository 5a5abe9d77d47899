//! The tides of a harbour: a page and a file of data, over HTTP.
use std::{env, fs};
use tiny_http::{Header, Response, Server};

fn main() {
    let page = fs::read_to_string("static/index.html").expect("the page");
    let tides = fs::read_to_string("static/tides.csv").expect("the data");
    let server = Server::http("0.0.0.0:8080").expect("the port");
    for request in server.incoming_requests() {
        let harbour = env::var("HARBOUR").unwrap_or_default();
        let (status, kind, body) = match request.url() {
            "/" => (200, "text/html", page.replace("HARBOUR", &harbour)),
            "/tides" => (200, "text/csv", tides.clone()),
            _ => (404, "text/plain", "no such page\n".to_string()),
        };
        let header = Header::from_bytes("Content-Type", kind).expect("a header");
        let _ = request.respond(Response::from_string(body).with_status_code(status).with_header(header));
    }
}
