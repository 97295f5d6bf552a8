package import FuseProxy
import Platform
import Telemetry

/// `serverfs mount`: the proxy without a server. One thread calls `init` and `stop`; the rest any other.
package final class StandaloneMount: Sendable {
    package let banner: Banner
    private let mount: ProxyMount
    private let measurements = Measurements()
    private let traceFile: TraceFile?

    /// - Parameters:
    ///   - traceFilePath: where a trace from the start goes; nil for none.
    ///   - report: says something to the operator, later; any thread.
    package init(
        docrootPath: String, mountPointPath: String, proxy: ProxyConfiguration, watchdog: Watchdog? = nil,
        traceFilePath: String? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StartFailure) {
        let budget = try DescriptorBudget(
            workers: 1, listeners: 0, fuseThreads: proxy.threads, openFileCacheCapacity: 0, hasAdmin: false)
        try Server.keepChannelNumbers(proxy.threads)
        traceFile = try traceFilePath.map { [measurements] (path) throws(StartFailure) in
            try TraceFile(path, measurements, report: report)
        }
        let docroot = try Server.openDocroot(docrootPath)
        mount = try ProxyMount(
            docroot: docroot, mountPoint: try MountPoint.use(mountPointPath, docroot: docroot),
            configuration: budget.bounding(proxy), watchdog: watchdog, measurements: measurements)
        banner = Banner(docroot: docroot, mount: mount)
    }

    var mountEndedDescriptor: CInt { mount.session.endedDescriptor }

    /// All counters, in the Prometheus text format.
    package var metricsText: String {
        var metrics = MetricsText()
        metrics.addFUSE(measurements, inodes: mount.session.inodeCount)
        metrics.add(ThreadUsage.all())
        return metrics.text
    }

    package func stop() -> Bool {
        // Last: it tells of the end as well.
        defer { traceFile?.end() }
        return mount.stop()
    }

    package func unmountAtOnce() { mount.unmountAtOnce() }
}
