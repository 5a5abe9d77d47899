lazy val prices = project.settings(libraryDependencies += "org.typelevel" %% "cats-core" % "2.12.0")
lazy val api = project.dependsOn(prices)
