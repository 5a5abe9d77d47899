using HTTP
HTTP.serve(_ -> HTTP.Response("open"), "0.0.0.0", 8080)
