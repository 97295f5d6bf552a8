import Glibc

/// Trees of growing size, looked up and read through mounts whose daemon may hold few descriptors.
struct ScaleMeasurement {
    let serverfs: String
    let mountArguments: [String]
    let descriptorLimit: Int
    let directory: TemporaryDirectory
    /// What serverfs says it does.
    private(set) var strategies = ""
    private var tree: NumberedTree
    private var mounts = 0

    init(
        serverfs: String, mountArguments: [String], descriptorLimit: Int, directory: TemporaryDirectory
    ) throws {
        self.serverfs = serverfs
        self.mountArguments = mountArguments
        self.descriptorLimit = descriptorLimit
        self.directory = directory
        tree = try NumberedTree(path: directory.file("tree"))
    }

    /// Small trees are over in an instant, so they are looked up several times, each time through a fresh mount.
    static func passes(files: Int) -> Int {
        switch files {
        case ...20_000: 5
        case ...200_000: 3
        default: 1
        }
    }

    /// A tree of `files` files. It grows from call to call, so the sizes must too.
    mutating func measure(files: Int) throws -> ScaleRow {
        note("\(grouped(Double(files))) files: making them")
        try tree.grow(to: files)

        // The first visit is for the kernel to know the docroot, so that what is measured on top is the mount alone.
        note("\(grouped(Double(files))) files: lookups in the docroot")
        _ = try visit(.lookups, tree.path, files)
        var docroot: [Double] = []
        for _ in 1...Self.passes(files: files) {
            docroot.append(perFile(try visit(.lookups, tree.path, files).nanoseconds, files))
        }

        var mount: [Double] = []
        var daemon: [Double] = []
        for pass in 2...Self.passes(files: files) + 1 {
            let isLast = pass > Self.passes(files: files)
            note("\(grouped(Double(files))) files: lookups in a fresh mount")
            let (server, mountPoint) = try startMount(of: tree.path)
            defer { server.end() }
            let lookups = try lookUp(files, through: server, mountPoint)
            mount.append(perFile(lookups.figures.nanoseconds, files))
            daemon.append(perFile(lookups.daemonNanoseconds, files))
            guard isLast else { continue }

            var row = ScaleRow(
                files: files, docrootNanoseconds: Spread(docroot), mountNanoseconds: Spread(mount),
                daemonNanoseconds: Spread(daemon), lookupRequests: perFile(lookups.requests, files),
                inodes: lookups.inodes, memoryGrowthBytes: lookups.memoryGrowthBytes, descriptors: 0, filesRead: 0,
                readNanoseconds: 0, failures: lookups.figures.failures, firstError: lookups.figures.firstError)
            try readAll(through: server, mountPoint, &row)
            return row
        }
        preconditionFailure("the last pass returns")
    }

    private struct Lookups {
        var figures: VisitFigures
        var requests: Int
        var daemonNanoseconds: Int
        var inodes: Int
        var memoryGrowthBytes: Int
    }

    private func lookUp(_ files: Int, through server: ServerfsProcess, _ mountPoint: String) throws -> Lookups {
        let before = try server.snapshot().metrics
        let memoryBefore = ProcessFacts.privateDirtyBytes(server.pid)
        let timeBefore = ProcessFacts.fuseThreadNanoseconds(server.pid)
        let figures = try visit(.lookups, mountPoint, files)
        let timeAfter = ProcessFacts.fuseThreadNanoseconds(server.pid)
        let after = try server.snapshot().metrics
        return Lookups(
            figures: figures, requests: try after.fuseRequests("lookup") - before.fuseRequests("lookup"),
            daemonNanoseconds: timeAfter - timeBefore, inodes: try after.inodes,
            memoryGrowthBytes: ProcessFacts.privateDirtyBytes(server.pid) - memoryBefore)
    }

    /// Forgets all, then walks and reads all, and forgets all again.
    private func readAll(through server: ServerfsProcess, _ mountPoint: String, _ row: inout ScaleRow) throws {
        note("\(grouped(Double(row.files))) files: dropping the kernel's caches")
        row.inodesAfterLookupsAndDrop = try inodesAfterDroppingCaches("2", server)
        note("\(grouped(Double(row.files))) files: walking and reading all")
        let figures = try visit(.contents, mountPoint, row.files)
        row.filesRead = figures.files
        row.readNanoseconds = figures.nanoseconds
        if row.failures == 0 { row.firstError = figures.firstError }
        row.failures += figures.failures
        row.descriptors = ProcessFacts.descriptorCount(server.pid)
        // A file of which the kernel has pages is kept for them, so they must go too.
        row.inodesAfterReadingAndDrop = try inodesAfterDroppingCaches("3", server)
    }

    /// The kernel forgets behind its answer, so this waits until nothing more happens. Nil without the privilege.
    private func inodesAfterDroppingCaches(_ what: String, _ server: ServerfsProcess) throws -> Int? {
        guard writeText(what, to: "/proc/sys/vm/drop_caches") else { return nil }
        let deadline = Deadline(after: .seconds(60))
        var earlier = try server.metrics().inodes
        while earlier > 1 && !deadline.hasPassed {
            try Interrupt.pause(milliseconds: 500)
            let inodes = try server.metrics().inodes
            if inodes == earlier { break }
            earlier = inodes
        }
        return earlier
    }

    /// One folder of so many entries, listed twice through a fresh mount.
    mutating func measureListing(entries: Int) throws -> ListingResult {
        note("one folder of \(grouped(Double(entries))) entries")
        let docroot = directory.file("wide")
        let folder = "\(docroot)/all"
        try makeFolder(docroot)
        try makeFolder(folder)
        for number in 0..<entries {
            if number % 256 == 0 { try Interrupt.check() }
            try NumberedTree.create(NumberedTree.fileName(number), in: folder)
        }
        let (server, mountPoint) = try startMount(of: docroot)
        defer { server.end() }
        let listed = try visit(.listing, folder, entries)
        let before = try server.snapshot().metrics.fuseRequests
        let first = try visit(.listing, "\(mountPoint)/all", entries)
        let after = try server.snapshot().metrics.fuseRequests
        let second = try visit(.listing, "\(mountPoint)/all", entries)
        return ListingResult(docroot: listed, first: first, second: second, requests: after - before)
    }

    private mutating func startMount(of docroot: String) throws -> (ServerfsProcess, String) {
        mounts += 1
        let mountPoint = directory.file("mount-\(mounts)")
        try makeFolder(mountPoint)
        let server = try ServerfsProcess(
            "serverfs-mount-\(mounts)", executable: serverfs,
            arguments: ServerfsProcess.mounting(docroot, on: mountPoint, mountArguments),
            descriptorLimit: descriptorLimit, in: directory)
        strategies = server.banner.strategies
        return (server, mountPoint)
    }

    private func visit(_ task: VisitCommand.Task, _ path: String, _ files: Int) throws -> VisitFigures {
        try Visitor(directory: directory).visit(task, path, files: files, limit: .seconds(60 + files / 1000))
    }

    private func perFile(_ count: Int, _ files: Int) -> Double { Double(count) / Double(files) }
}
