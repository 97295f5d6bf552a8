import HTTPMessage
import Telemetry

/// `--server-timing`: what a request has cost so far, for a browser's developer tools (W3C Server Timing).
extension Connection {
    /// Writes the field, for a request whose time is taken: what is known while the head is written. Reading and sending the body
    /// come after it.
    func appendServerTiming(to writer: inout ResponseHeadWriter) {
        guard loop.configuration.serverTiming else { return }
        let meter = loop.thread.meter
        meter.endPhase(.prepare)
        guard let timeline = meter.present else { return }
        writer.beginField("Server-Timing")
        writer.append("total")
        writer.append(durationNanoseconds: timeline.latencyNanoseconds)
        for (phase, name) in Self.timedPhases where timeline[phase] > 0 {
            writer.append(", ")
            writer.append(name)
            writer.append(durationNanoseconds: timeline[phase])
        }
        if let servingPath = timeline.servingPath {
            writer.append(servingPath == .mount ? ", mount" : ", docroot")
            writer.append(durationNanoseconds: timeline.fileSystemNanoseconds)
        }
        writer.append(", fuse")
        writer.append(durationNanoseconds: timeline.fuseServiceNanoseconds)
        writer.append(";desc=\"")
        writer.append(decimal: timeline.fuseRequests)
        writer.append(timeline.fuseRequests == 1 ? " request\", switches;desc=\"" : " requests\", switches;desc=\"")
        writer.append(decimal: timeline.contextSwitches.voluntary)
        writer.append(" voluntary, ")
        writer.append(decimal: timeline.contextSwitches.involuntary)
        writer.append(" involuntary\"")
        writer.endField()
    }

    private static let timedPhases: [(RequestPhase, StaticString)] = [
        (.queue, "queue"), (.wait, "wait"), (.receive, "receive"), (.parse, "parse"), (.resolve, "resolve"),
        (.statx, "statx"), (.open, "open"), (.prepare, "prepare"),
    ]
}

extension ResponseHeadWriter {
    /// A metric's duration, in milliseconds to the microsecond, rounded up: what took any time is not zero.
    fileprivate mutating func append(durationNanoseconds: UInt64) {
        let (milliseconds, rest) = ((durationNanoseconds &+ 999) / 1000).quotientAndRemainder(dividingBy: 1000)
        append(";dur=")
        append(decimal: milliseconds)
        append(".")
        if rest < 100 { append("0") }
        if rest < 10 { append("0") }
        append(decimal: rest)
    }
}
