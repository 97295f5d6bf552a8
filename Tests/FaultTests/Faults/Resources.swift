import Glibc
import Platform
import TestSupport

extension Fault {
    /// Too little of something.
    static let resources: [Fault] = [
        Fault("RLIMIT_NOFILE 64", times: (1, 5)) { trial in
            try trial.serve(Trial.uncached + ["--workers", "1"], prefix: ["prlimit", "--nofile=64:64"])
            try trial.load()
            usleep(500_000)
            // There is room for a few connections only: theirs are needed.
            trial.stopLoad()
            try trial.stopClients()
            trial.expectServiceBack()
        },
        Fault("RLIMIT_NOFILE 64, and the mount lost", times: (1, 5)) { trial in
            let server = try trial.serve(
                Trial.uncached + ["--workers", "1"], prefix: ["prlimit", "--nofile=64:64"])
            try trial.load()
            trial.stopLoad()
            try trial.stopClients()
            trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
        },
        Fault("memory limited to 48 MiB (cgroup)", times: (1, 3), missing: MemoryGroup.missing) { trial in
            let group = try MemoryGroup(bytes: 48 << 20)
            trial.undo { group.remove() }
            for index in 0..<14 {
                try writeFile(
                    Array("\(trial.docroot)/big-\(index)".utf8), Content.bytes("big-\(index)", size: 4_000_000))
            }
            let server = try trial.serve(prefix: group.prefix)
            try trial.load(connections: 50)
            try trial.fetchAll((0..<14).map { "big-\($0)" })
            trial.expectServiceBack()
            trial.expectHealing(server) { trial.loseMount(.abort, of: server) }
        },
        Fault("address space limited (RLIMIT_AS)", times: (1, 3)) { trial in
            // Room for what it has at the start, and a little.
            let server = try trial.serve()
            let usedKiB = ProcessFacts.memory(server.identifier, "VmSize")
            try server.stopAndCheck(trial)
            let limited = try trial.serve(prefix: ["prlimit", "--as=\((usedKiB + 16 * 1024) * 1024)"])
            try trial.load()
            trial.expectServiceBack()
            trial.expectHealing(limited) { trial.loseMount(.abort, of: limited) }
        },
        Fault("standard error on a full file system", times: (1, 3)) { trial in
            let full = try trial.mountMemory("full", options: "size=64k", filled: false)
            try? writeFile(Array("\(full)/filling".utf8), [UInt8](repeating: 0, count: 128 << 10))
            try trial.expectServiceWithoutLog("\(full)/log")
        },
        Fault("standard error is /dev/full", times: (1, 3)) { trial in
            try trial.expectServiceWithoutLog("/dev/full")
        },
    ]
}

extension Trial {
    /// Fetches files whose content is right by its own word, on both ways.
    fileprivate func fetchAll(_ names: [String]) throws {
        guard let server else { return }
        for port in server.ports {
            var client = CheckingClient(port: port, limitSeconds: Self.clientLimitSeconds)
            for name in names { client.fetch(name) }
            add(client.tally)
            expect(client.tally.right == names.count, "\(client.tally.right) of \(names.count) files came")
        }
    }

    /// Whatever it has to say, it cannot: that holds up nothing.
    fileprivate func expectServiceWithoutLog(_ log: String) throws {
        let server = try serve(prefix: ["sh", "-c", "exec \"$@\" 2>\(log)", "sh"])
        try load()
        for signal in [SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR2] {
            server.signal(signal)
            usleep(50_000)
        }
        expectServiceBack()
        let moment = Stopwatch()
        loseMount(.abort, of: server)
        expectServiceBack(since: moment)
        let isBack = eventually(seconds: 5) { server.isMounted }
        expect(isBack, "nothing is mounted again")
    }
}

/// A memory cgroup (version 1) of the trial's own.
struct MemoryGroup {
    private static let root = "/sys/fs/cgroup/memory"
    private let path: String

    /// Why there can be none; nil when there can.
    static let missing: String? =
        access("\(root)/memory.limit_in_bytes", W_OK) == 0 ? nil : "no memory cgroup that may be written to"

    init(bytes: Int) throws(Errno) {
        path = "\(Self.root)/serverfs-faults-\(getpid())-\(Clock.monotonicNanoseconds)"
        guard mkdir(path, 0o755) == 0 else { throw Errno(rawValue: errno) }
        let file = try withPath(Array("\(path)/memory.limit_in_bytes".utf8)) { open($0, O_WRONLY | O_CLOEXEC) }
        defer { close(file) }
        try writeAll(file, Array("\(bytes)".utf8))
    }

    /// What runs a program in it.
    var prefix: [String] { ["sh", "-c", "echo $$ >\(path)/cgroup.procs && exec \"$@\"", "sh"] }

    /// Removes it; its processes go to the group above.
    func remove() {
        _ = ChildProcess.run(
            ["sh", "-c", "while read -r each; do echo $each >\(Self.root)/cgroup.procs; done <\(path)/cgroup.procs"])
        rmdir(path)
    }
}
