/// Everything that `serverfs-bench speed` measures and what is asked of it. A row more is a series more.
enum Plan {
    /// One file again and again.
    static let oneFile = [
        Series(
            name: "fast, open-file cache on", slug: "fast-on", serverfsArguments: [], nginx: .openFileCache(true),
            requirements: [
                .ratio(.mount, to: .bypass, atLeast: 0.97), .fuseRequests(below: 0.001),
                .ratio(.bypass, to: .nginx, atLeast: 1.00),
            ]),
        Series(
            name: "fast, open-file cache off", slug: "fast-off", serverfsArguments: noOpenFileCache,
            nginx: .openFileCache(false),
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.92), .fuseRequests(below: 0.001)]),
        Series(
            name: "passthrough, open-file cache on", slug: "passthrough-on", serverfsArguments: passthrough,
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.98)], mayBeRefused: true),
        Series(
            name: "per-open, one FUSE thread, open-file cache off", slug: "per-open-off",
            // One thread, as the C prototype that the target comes from: on two cores that are shared with wrk, a second only
            // takes the first one's place.
            serverfsArguments: ["--fuse-open", "per-open", "--fuse-cache", "watched", "--fuse-threads", "1"]
                + noOpenFileCache,
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.40)]),
        Series(
            // A percent is less than what requests/s vary by chance.
            name: "telemetry on", slug: "telemetry", serverfsArguments: [], baseline: .untimed, length: 2,
            requirements: [.ratio(.mount, to: .untimed, atLeast: 0.99, of: .requestsByProcessorTime)]),
        Series(
            name: "seed: the report's proxy", slug: "seed", serverfsArguments: ["--profile", "seed"], isWarm: false),
    ]

    /// Many files in turn.
    static let filesInTurn = [
        Series(
            name: "fast, open-file cache on", slug: "files-fast-on", serverfsArguments: [],
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.97), .fuseRequests(below: 0.001)]),
        Series(
            name: "fast, open-file cache off", slug: "files-fast-off", serverfsArguments: noOpenFileCache,
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.92), .fuseRequests(below: 0.001)]),
        Series(
            name: "passthrough, open-file cache on", slug: "files-passthrough-on", serverfsArguments: passthrough,
            requirements: [.ratio(.mount, to: .bypass, atLeast: 0.98)], mayBeRefused: true),
    ]

    static let filesInTurnCount = 1000
    static let filesInTurnBytes = 26_400
    static let warmUpSeconds = 1

    /// The kernel keeps names and attributes, and reads by itself: all that passthrough has to offer.
    static let passthrough = ["--fuse-open", "passthrough", "--fuse-cache", "watched"]
    private static let noOpenFileCache = ["--open-file-cache", "off"]
}
