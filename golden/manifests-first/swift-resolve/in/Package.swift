// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "shop",
    platforms: [.macOS(.v13)],
    dependencies: [
        // A web framework.
        .package(url: "https://example.org/vapor.git", from: "4.92.4"),
    ],
    targets: [
        .executableTarget(name: "App", dependencies: [.product(name: "Vapor", package: "vapor")]),
    ]
)
