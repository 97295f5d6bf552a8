import Glibc
import TestSupport

extension Fault {
    /// Signals that end the process.
    static let endings: [Fault] = [
        Fault("SIGKILL under load", times: (3, 50)) { trial in
            let server = try trial.serve()
            try trial.load()
            trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
        },
        Fault("SIGKILL while it starts", times: (3, 50)) { trial in
            let server = try KilledAtStart(trial)
            trial.expect(server.isGone, "mount, folder or watchdog was left after 2 s: \(server.remains)")
        },
        Fault("SIGKILL after mounting again on high descriptors", times: (1, 10)) { trial in
            let server = try trial.serve(Trial.uncached + ["--open-file-cache", "64"])
            try trial.mountAgainOnHighDescriptors(server)
            trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
        },
        Fault("SIGTERM under load", times: (1, 10)) { trial in
            let server = try trial.serve()
            try trial.load()
            trial.expectGone(.exited(0)) { server.signal(SIGTERM) }
        },
        Fault("SIGINT under load", times: (1, 10)) { trial in
            let server = try trial.serve()
            try trial.load()
            trial.expectGone(.exited(0)) { server.signal(SIGINT) }
        },
        Fault("SIGINT while SIGTERM is being obeyed", times: (1, 10)) { trial in
            let server = try trial.serve()
            try trial.hold(server)
            trial.expectGone(.exited(128 + SIGINT)) {
                server.signal(SIGTERM)
                let isRefused = eventually(seconds: 5) { (try? ClientSocket(port: server.port)) == nil }
                trial.expect(isRefused, "connections were still taken 5 s after SIGTERM")
                server.signal(SIGINT)
            }
        },
    ]
}

extension Trial {
    /// Opens a connection that takes nothing of a long response, so that the server's orderly end has to wait.
    func hold(_ server: ServerProcess) throws {
        try writeFile(Array("\(docroot)/long".utf8), Content.bytes("long", size: 20_000_000))
        let stalled = try HTTPConnection(port: server.port, receiveBufferBytes: 4096)
        try stalled.socket.send(HTTPConnection.request("/long"))
        let head = try stalled.receiveHead()
        expect(head.status == 200, "the head says \(head.status)")
        undo { _ = stalled }
    }

    /// Does what would bring a descriptor of /dev/fuse above those of mount files, and expects it to be below them: the kernel
    /// closes a killed process's descriptors in the order of their numbers, and what the close of a mount file asks of FUSE
    /// must not wait for this very process.
    ///
    /// What is opened while many connections are open gets a high number; when they have gone, the mount's files get low
    /// ones.
    func mountAgainOnHighDescriptors(_ server: ServerProcess) throws {
        var connections: [HTTPConnection] = []
        for _ in 0..<200 { connections.append(try HTTPConnection(port: server.port)) }
        for connection in connections { _ = try connection.exchange("/\(Content.loadName)") }
        loseMount(.abort, of: server)
        expectServiceBack()
        let isBack = eventually(seconds: 5) { server.process.errorOutput.contains("serverfs: mounted again") }
        expect(isBack, "not mounted again within 5 s")
        connections = []
        usleep(100_000)
        try load(connections: 50)
        let files = server.descriptors
        let lowest = files.filter { $0.target.hasPrefix(server.mountPoint + "/") }.map(\.number).min()
        let device = files.filter { $0.target == "/dev/fuse" }.map(\.number).max()
        expect(device != nil, "no descriptor of /dev/fuse was seen")
        if let lowest, let device { expect(device < lowest, "a mount file's descriptor is below /dev/fuse's") }
    }
}

extension ServerProcess {
    /// Its open descriptors, and what they are of.
    var descriptors: [(number: Int, target: String)] {
        let folder = "/proc/\(identifier)/fd"
        return PrivateFolder.names(in: folder).compactMap { name in
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink("\(folder)/\(name)", &buffer, buffer.count)
            guard count > 0, let number = Int(name) else { return nil }
            return (number, String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
    }
}
