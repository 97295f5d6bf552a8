import ArgumentParser

/// Trees of up to a million files, through a mount whose daemon may hold few descriptors.
struct ScaleCommand: Measurement {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Measure lookups, memory and descriptors with trees of up to a million files.",
        discussion: """
            The files are made in a private folder and removed in any case; a million of them take 5 GiB. What comes \
            after `--` goes to `serverfs mount`. Dropping the kernel's caches needs root.
            """)

    @OptionGroup var server: ServerfsOption

    @Option(help: "The sizes of the trees, in files, with commas between them.")
    var sizes = TreeSizes(list: [1000, 10_000, 100_000, 1_000_000])

    @Option(help: "The descriptors that serverfs may hold (RLIMIT_NOFILE).")
    var descriptors = 1024

    @Option(help: "The entries of the one large folder that is listed; 0 for none.")
    var entries = 100_000

    @Option(
        help: ArgumentHelp(
            "Where to make the files. (default: /dev/shm where twice the room is free, else TMPDIR or /tmp)",
            valueName: "dir"))
    var folder: String?

    @Argument(parsing: .postTerminator, help: "Options of `serverfs mount`.")
    var mountArguments: [String] = []

    func validate() throws {
        try check("descriptors", descriptors, within: 64...1_000_000)
        try check("entries", entries, within: 0...10_000_000)
    }

    func measure() throws {
        let serverfs = try server.executable()
        let folder = folder ?? ScaleFolder.choice(files: max(sizes.list.last ?? 0, entries))
        let directory = try TemporaryDirectory(in: folder)
        defer {
            note("removing the trees")
            directory.remove()
        }
        let machine = try Machine.line(
            [.init(name: "serverfs", path: serverfs, option: "--version")], in: directory)
        var measurement = try ScaleMeasurement(
            serverfs: serverfs, mountArguments: mountArguments, descriptorLimit: descriptors, directory: directory)
        var report = ScaleReport(descriptorLimit: descriptors)
        if entries > 0 { report.listing = try measurement.measureListing(entries: entries) }
        for files in sizes.list { report.rows.append(try measurement.measure(files: files)) }

        print(report.lookups.text)
        print(report.reading.text)
        if let listings = report.listings { print(listings.text) }
        print(Verdict.table("scale", report.verdicts).text)
        print("Files in \(folder); serverfs: \(measurement.strategies)\n\nMachine: \(machine)\n")
        print("Command: \(shellCommand(CommandLine.arguments))")
    }
}

/// `--sizes`: growing numbers with commas between them.
struct TreeSizes: ExpressibleByArgument {
    static let max = 10_000_000

    var list: [Int]

    init(list: [Int]) { self.list = list }

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        let isGrowing = zip(numbers, numbers.dropFirst()).allSatisfy(<)
        guard isGrowing, numbers.allSatisfy({ (1...Self.max).contains($0) }) else { return nil }
        list = numbers
    }

    var defaultValueDescription: String { list.map(String.init).joined(separator: ",") }
}
