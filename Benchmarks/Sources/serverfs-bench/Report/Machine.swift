import FoundationEssentials
import Glibc

/// Where the figures come from, in one line.
enum Machine {
    /// A program that tells its version, and with which option.
    struct Program {
        var name: String
        var path: String
        var option: String
    }

    static func line(_ programs: [Program], in directory: TemporaryDirectory) throws -> String {
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let load = text(ofFile: "/proc/loadavg").split(separator: " ").first ?? "?"
        let versions = try programs.map { program in
            "\(program.name) \(version(in: try firstLine(program, in: directory)))"
        }
        return (["\(cores) cores, Linux \(kernelRelease)"] + versions + ["load average before the run \(load)"])
            .joined(separator: ", ")
    }

    private static var kernelRelease: String {
        String(text(ofFile: "/proc/sys/kernel/osrelease").prefix { $0 != "\n" })
    }

    /// The first word that has a number in it: "wrk debian/4.1.0-3 [epoll]", "nginx version: nginx/1.22.1", "0.1.0".
    static func version(in line: String) -> String {
        let word = line.split(separator: " ").first { $0.contains { $0.isNumber } } ?? "?"
        return String(word.split(separator: "/").last ?? "?")
    }

    /// wrk tells its version on standard output, nginx on standard error.
    private static func firstLine(_ program: Program, in directory: TemporaryDirectory) throws -> String {
        let process = try ChildProcess(
            "version-of-\(program.name)", program.path, [program.option], in: directory)
        defer { process.end() }
        _ = try process.wait(atMost: .seconds(5))
        return String((process.output + process.errorOutput).prefix { $0 != "\n" })
    }
}
