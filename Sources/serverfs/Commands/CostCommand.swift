import ArgumentParser
import Cost
import Glibc
import HTTPServer
import ServerCore

struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "Measure what a request through the mount costs, and name what makes it cost that.",
        discussion: """
            It serves the docroot both ways, to itself: by the bypass and by the mount in turn, under a load that keeps its \
            workers busy. The figures are those of the round with the median ratio, and add up.
            """)

    @Argument(help: "The folder to serve.")
    var docroot = "www"

    @Option(help: "What to ask for; repeatable: all in turn. (default: /index.html)")
    var path: [String] = []

    @Option(help: "Seconds of each run, after a warm-up: 0.1 to 3600.")
    var seconds = 2.0

    @Option(help: "Rounds of a run each way: 1 to 1000.")
    var rounds = 5

    @Option(help: "Connections, each with a request under way: 1 to 10000. (default: 400; built-in: 64)")
    var connections: Int?

    @Option(help: ArgumentHelp("Who asks. (default: wrk, if it is on the PATH)", valueName: "wrk|built-in"))
    var load: LoadKind?

    @Option(help: ArgumentHelp("Also draw the figures, as SVG, into this file.", valueName: "file"))
    var svg: String?

    @OptionGroup(title: "The server")
    var worker: WorkerOptions

    @OptionGroup(title: "The mount")
    var fuse: FuseOptions

    func validate() throws {
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds must be from 0.1 to 3600.") }
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds must be from 1 to 1000.") }
        if let connections, !(1...10_000).contains(connections) {
            throw ValidationError("--connections must be from 1 to 10000.")
        }
        for path in path {
            if let defect = LoadTarget.defect(ofPath: path) { throw ValidationError("--path \(path) \(defect).") }
        }
        if let contradiction = makeConfiguration().contradiction { throw ValidationError(contradiction + ".") }
    }

    func run() throws {
        let process = try ForegroundProcess(watching: true, stallSeconds: fuse.stallSeconds)
        let configuration = makeConfiguration()
        let server = try process.start {
            // What can be refused at once is, before there is a mount.
            guard process.hasOutput else {
                throw StartFailure("the standard output is closed: there is no place for the figures")
            }
            if let svg { try PictureFile.check(svg) }
            _ = try LoadKind.choose(load)
            return try Server(configuration, watchdog: process.watchdog) { process.report($0) }
        }
        process.run(server) { stopping in try measure(server, process, stopping: stopping) }
    }

    /// - Parameter stopping: a descriptor that is readable once the measurement is to end.
    /// - Returns: the report.
    private func measure(
        _ server: Server, _ process: ForegroundProcess, stopping: CInt
    ) throws -> ForegroundProcess.WorkResult {
        let load = try LoadKind.choose(load)
        let connections = try connections(server, load)
        let plan = CostPlan(
            mountPort: server.ports[0], bypassPort: server.bypassPorts[0], workers: worker.workers, load: load,
            connections: connections, paths: path.isEmpty ? ["/index.html"] : path,
            rounds: rounds, seconds: seconds)
        let meter = CostMeter(plan, server.measurements, stopping: stopping)
        let bodyBytes = try meter.check()
        let losses = server.mountLosses
        let result = Result { try meter.measure { process.report($0) } }
        // Perhaps nobody else has noticed: what the kernel keeps, it goes on giving.
        if server.mountLosses != losses { throw CostFailure("the mount was lost meanwhile: there are no figures") }
        let measurement = try result.get()
        let setting = CostReport.Setting(
            docroot: docroot, strategies: server.banner.strategies, plan: plan, bodyBytes: bodyBytes)
        let report = CostReport(setting, measurement)
        var outcome = ForegroundProcess.WorkResult(text: report.text)
        do throws(StartFailure) {
            if let svg { try PictureFile.write(CostPicture(report).text, to: svg) }
        } catch {
            // The figures have taken their time: they are not lost with the picture.
            outcome.problem = error.description
        }
        return outcome
    }

    /// The load's connections. Whoever is one too many would be answered 503.
    private func connections(_ server: Server, _ load: LoadKind) throws(CostFailure) -> Int {
        // The built-in load's ends are this process's too.
        let most = load == .wrk ? server.connectionsMax : server.connectionsMax * 3 / 4
        // The kernel does not deal them out evenly to the workers: half of the room is left.
        guard let connections else { return max(1, min(load.connectionsDefault, most / 2)) }
        if connections > most {
            throw CostFailure(
                "--connections \(connections) is too many: \(server.descriptorsMax) descriptors (RLIMIT_NOFILE) allow "
                    + "\(most) with \(load.rawValue)")
        }
        return connections
    }

    private func makeConfiguration() -> ServerConfiguration {
        var configuration = ServerConfiguration()
        fuse.apply(to: &configuration)
        worker.apply(to: &configuration)
        configuration.docrootPath = docroot
        configuration.listen = [ListenAddress("127.0.0.1:0")!]
        configuration.listenBypass = [ListenAddress("127.0.0.1:0")!]
        // Requests that went another way must not pass for the mount's.
        configuration.onMountLoss = .unavailable
        configuration.admin = .off
        return configuration
    }
}

extension LoadKind: ExpressibleByArgument {}
