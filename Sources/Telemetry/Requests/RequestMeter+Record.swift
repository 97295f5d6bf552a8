import Platform

/// Where a request that is over is written down.
extension RequestMeter {
    /// Of a request that was answered.
    func record() {
        if timeline.traceNumber != 0 { addRequestSpan() }
        guard timeline.isRecorded, let servingPath = timeline.servingPath else { return }
        latencies[servingPath].record(nanoseconds: timeline.latencyNanoseconds)
        timeline.addPhases(to: phaseTimes, servingPath)
        if timeline.isSampled {
            counters.add(.sampledRequests(servingPath))
            counters.add(.sampledVoluntary(servingPath), timeline.contextSwitches.voluntary)
            counters.add(.sampledInvoluntary(servingPath), timeline.contextSwitches.involuntary)
        }
        if timeline.latencyNanoseconds >= SlowRequests.thresholdNanoseconds {
            addSlow(timeline, path: pathText, servingPath)
        }
    }

    /// A request is given up whose thread, another one, is stuck: all its time since the first byte was a wait for that.
    ///
    /// - Parameters:
    ///   - firstByteNanoseconds: when its first byte came; 0 where no times were taken then, and so none are recorded.
    ///   - status: what it was answered with; nil where its response, which has begun, was cut off.
    package func recordStuck(
        firstByteNanoseconds: UInt64, path: String, _ servingPath: ServingPath, status: UInt16?
    ) {
        if status != nil { counters.add(.requests(servingPath)) }
        guard measurements.isTiming, firstByteNanoseconds != 0 else { return }
        var timeline = RequestTimeline()
        timeline.begin(firstByteNanoseconds: firstByteNanoseconds, nanoseconds: firstByteNanoseconds)
        timeline.endPhase(.wait, nanoseconds: Clock.monotonicNanoseconds)
        if let status {
            timeline.status = status
            latencies[servingPath].record(nanoseconds: timeline.latencyNanoseconds)
            timeline.addPhases(to: phaseTimes, servingPath)
        }
        addSlow(timeline, path: path, servingPath)
    }

    private func addSlow(_ timeline: RequestTimeline, path: @autoclosure () -> String, _ servingPath: ServingPath) {
        guard let number = measurements.slowRequests.count(at: timeline.lastNanoseconds) else { return }
        measurements.slowRequests.add(
            SlowRequest(
                number: number, path: path(), servingPath: servingPath, status: Int(timeline.status),
                endedUnixSeconds: Clock.unixSecondsExactly, timeline: timeline))
    }

    // MARK: - Spans

    /// The phase that has just ended.
    func addSpan(_ phase: RequestPhase, from start: UInt64) {
        guard timeline.lastNanoseconds > start else { return }
        add(.phase, from: start, until: timeline.lastNanoseconds, detail: UInt64(phase.rawValue))
    }

    /// The thread's work on the request at hand, which has just ended.
    func addWorkSpan(until end: UInt64) {
        var text = pathText
        let detail = text.withUTF8 { spans.addText(UnsafeRawBufferPointer($0), trace: timeline.trace) }
        add(.work, from: workNanoseconds, until: end, detail: detail)
    }

    /// The whole request.
    func addRequestSpan() {
        let mount: UInt64 = timeline.servingPath == .mount ? 1 << 32 : 0
        add(
            .request, from: timeline.firstByteNanoseconds, until: timeline.lastNanoseconds,
            detail: UInt64(timeline.status) | mount)
    }

    private func add(_ kind: SpanKind, from start: UInt64, until end: UInt64, detail: UInt64) {
        spans.add(
            Span(
                kind, startNanoseconds: start, endNanoseconds: end, request: timeline.traceNumber, detail: detail),
            trace: timeline.trace)
    }
}
