import Glibc

/// nginx on a docroot, with a configuration and files of its own. `end` ends it.
final class NginxProcess {
    private let process: ChildProcess
    private let port: LoopbackPort

    /// Gives the server when it takes connections. `name` names its files.
    init(
        _ name: String, executable: String, docroot: String, openFileCache: Bool, in directory: TemporaryDirectory
    ) throws {
        port = try LoopbackPort()
        let configuration = NginxConfiguration(
            docroot: docroot, port: port.number, directory: directory.path, openFileCache: openFileCache,
            asRoot: geteuid() == 0)
        let file = "\(name).conf"
        try directory.write(configuration.text, to: file)
        process = try ChildProcess(
            name, executable,
            ["-p", directory.path, "-c", directory.file(file), "-e", directory.file("nginx-error.log")], in: directory)
        do {
            try waitUntilReady(errorLog: directory.file("nginx-error.log"))
        } catch {
            process.end()
            throw error
        }
    }

    /// With the slash at the end.
    var url: String { "http://127.0.0.1:\(port.number)/" }

    func end() { process.end() }

    private func waitUntilReady(errorLog: String) throws {
        let deadline = Deadline(after: .seconds(10))
        while !port.accepts() {
            guard process.poll() == nil, !deadline.hasPassed else {
                throw BenchFailure(
                    .runFailed, "nginx does not start: \(process.errorOutput)\(text(ofFile: errorLog))")
            }
            try Interrupt.pause(milliseconds: 10)
        }
    }
}
