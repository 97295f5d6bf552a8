import FoundationEssentials
import Glibc

/// Where the figures come from, in one line.
enum Machine {
    /// Takes the programs' paths.
    static func line(wrk: String, nginx: String, serverfs: String, in directory: TemporaryDirectory) throws -> String {
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let load = text(ofFile: "/proc/loadavg").split(separator: " ").first ?? "?"
        let wrkVersion = try firstLine(wrk, "-v", in: directory)
        let nginxVersion = try firstLine(nginx, "-v", in: directory)
        let serverfsVersion = try firstLine(serverfs, "--version", in: directory)
        return [
            "\(cores) cores, Linux \(kernelRelease)",
            "wrk \(wrkVersion.split(separator: " ").dropFirst().first ?? "?")",
            "nginx \(nginxVersion.split(separator: "/").last ?? "?")",
            "serverfs \(serverfsVersion)",
            "load average before the run \(load)",
        ].joined(separator: ", ")
    }

    private static var kernelRelease: String {
        String(text(ofFile: "/proc/sys/kernel/osrelease").prefix { $0 != "\n" })
    }

    /// wrk tells its version on standard output, nginx on standard error.
    private static func firstLine(
        _ executable: String, _ option: String, in directory: TemporaryDirectory
    ) throws -> String {
        let name = "version-of-" + (executable.split(separator: "/").last ?? "")
        let process = try ChildProcess(name, executable, [option], in: directory)
        defer { process.end() }
        _ = try process.wait(atMost: .seconds(5))
        return String((process.output + process.errorOutput).prefix { $0 != "\n" })
    }
}
