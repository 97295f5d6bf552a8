// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is built with: Swift 6 mode comes with the tools version, unsafe code is marked where C is touched.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "serverfs",
    products: [
        .executable(name: "serverfs", targets: ["serverfs"]),
        // For tests, which preload it into the program.
        .library(name: "AllocationCount", type: .dynamic, targets: ["AllocationCount"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CFuse3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .systemLibrary(name: "CLibevent", pkgConfig: "libevent_extra", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CKernel"),

        .target(
            name: "Platform",
            dependencies: ["CKernel", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swiftSettings),
        .target(
            name: "Telemetry",
            dependencies: ["Platform", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: swiftSettings),
        .target(
            name: "FuseProxy", dependencies: ["CFuse3", "CKernel", "Platform", "Telemetry"],
            swiftSettings: swiftSettings),
        .target(name: "HTTPMessage", swiftSettings: swiftSettings + [.strictMemorySafety()]),
        .target(
            name: "HTTPServer",
            dependencies: ["CLibevent", "HTTPMessage", "Platform", "Telemetry"],
            swiftSettings: swiftSettings),
        .target(
            name: "AdminServer", dependencies: ["CLibevent", "Platform", "Telemetry"],
            // In the program itself: it is one file, which needs no others.
            resources: [.embedInCode("Page")],
            swiftSettings: swiftSettings),
        .target(
            name: "ServerCore",
            dependencies: ["AdminServer", "FuseProxy", "HTTPServer", "Platform", "Telemetry"],
            swiftSettings: swiftSettings),
        // What a request through the mount costs, measured and told: `serverfs cost`.
        .target(name: "Cost", dependencies: ["Platform", "Telemetry"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "serverfs",
            dependencies: [
                "Cost", "FuseProxy", "HTTPServer", "Platform", "ServerCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),

        .testTarget(name: "HTTPMessageTests", dependencies: ["HTTPMessage"], swiftSettings: swiftSettings),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: swiftSettings),
        .testTarget(
            name: "TelemetryTests", dependencies: ["Platform", "Telemetry", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FuseProxyTests", dependencies: ["FuseProxy", "Platform", "Telemetry", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: ["HTTPMessage", "HTTPServer", "Platform", "Telemetry", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ServerCoreTests", dependencies: ["FuseProxy", "Platform", "ServerCore", "Telemetry", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "AdminServerTests", dependencies: ["AdminServer", "Platform", "Telemetry"],
            swiftSettings: swiftSettings),
        .testTarget(name: "CostTests", dependencies: ["Cost", "Platform", "Telemetry"], swiftSettings: swiftSettings),
        .systemLibrary(name: "CTestCalls", path: "Tests/CTestCalls"),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        // What the tests of the whole program share: private folders, processes, clients, what /proc tells.
        .target(
            name: "TestSupport", dependencies: ["CKernel", "CTestCalls", "Platform"], path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests", dependencies: ["serverfs", "CTestCalls", "Platform", "TestSupport"],
            swiftSettings: swiftSettings),
        .systemLibrary(name: "CFaultInjection", path: "Tests/CFaultInjection"),
        .testTarget(
            name: "FaultTests", dependencies: ["CFaultInjection", "serverfs", "Platform", "TestSupport"],
            swiftSettings: swiftSettings),
    ]
)
