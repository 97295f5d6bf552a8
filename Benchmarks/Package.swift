// swift-tools-version: 6.2
import PackageDescription

/// As in the product's package; unsafe code is marked, because this target calls C directly.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .strictMemorySafety(),
]

/// A package of its own, so that what measuring depends on stays out of the product.
let package = Package(
    name: "serverfs-bench",
    products: [
        .executable(name: "serverfs-bench", targets: ["serverfs-bench"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        .systemLibrary(name: "CKernelCalls"),
        .executableTarget(
            name: "serverfs-bench",
            dependencies: ["CKernelCalls", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ServerfsBenchTests",
            dependencies: [
                "serverfs-bench", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
    ]
)
