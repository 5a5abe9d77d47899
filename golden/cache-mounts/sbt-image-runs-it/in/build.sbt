ThisBuild / version := "0.1.0-SNAPSHOT"
ThisBuild / scalaVersion := "3.3.4"
libraryDependencies += "com.lihaoyi" %% "os-lib" % "0.10.7"
