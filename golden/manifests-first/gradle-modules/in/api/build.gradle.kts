plugins { id("org.springframework.boot") version "3.3.1" }
dependencies { implementation(project(":prices")) }
