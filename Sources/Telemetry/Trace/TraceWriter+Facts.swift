/// What a trace says of itself (`otherData`): how it was taken, which sources it has, and why it lacks the others, what found no
/// room, and of each thread the kernel's id (`tid` is that in the file) and the exact counts.
extension TraceWriter {
    mutating func writeFacts(_ recording: TraceRecording, _ facts: TraceFacts, pausesWritten: Int) {
        out.raw("{\"times\":\"microseconds, CLOCK_MONOTONIC\",\"startedUnixSeconds\":")
        out.number(UInt64(max(facts.beganUnixSeconds, 0)))
        // What times are counted from, on the clock that other tools show.
        out.raw(",\"originMonotonicNanoseconds\":")
        out.number(origin)
        out.raw(",\"recordedMilliseconds\":")
        out.number((facts.ended - facts.began) / 1_000_000)
        out.raw(",\"sampling\":")
        out.string(Self.sampling(facts))
        out.raw(",\n\"causes\":\"a FUSE request is caused by the HTTP request whose thread sends it;")
        out.raw(" RELEASE, RELEASEDIR, FORGET, BATCH_FORGET and INTERRUPT name no caller:")
        out.raw(" who sends those only fuse_request_send tells\"")
        writeSources(recording)
        writeLosses(recording, pausesWritten: pausesWritten)
        out.raw(",\n\"threads\":[")
        for (index, thread) in recording.threads.enumerated() {
            out.raw(index == 0 ? "{\"name\":" : ",{\"name\":")
            out.string(thread.name)
            out.raw(",\"tid\":")
            out.number(number(ofThread: index))
            out.raw(",\"threadID\":")
            out.number(UInt64(thread.threadID))
            out.raw(",\"spans\":")
            out.number(UInt64(thread.spans.count))
            out.raw(",\"voluntarySwitches\":")
            out.number(thread.voluntarySwitches)
            out.raw(",\"involuntarySwitches\":")
            out.number(thread.involuntarySwitches)
            out.raw("}")
        }
        out.raw("]}")
    }

    private static func sampling(_ facts: TraceFacts) -> String {
        func text(_ oneIn: UInt64) -> String { oneIn == 1 ? "all requests" : "1 in \(oneIn) requests of a thread" }
        if facts.oneInAtBegin == facts.oneInAtEnd { return text(facts.oneInAtBegin) }
        return "\(text(facts.oneInAtBegin)) at first, \(text(facts.oneInAtEnd)) at last"
    }

    private mutating func writeSources(_ recording: TraceRecording) {
        out.raw(",\n\"sources\":{\"spans\":\"present\",\"contextSwitches\":")
        out.string(recording.kernel.missingSwitches.map { "absent: \($0)" } ?? "present")
        out.raw(",\"fuseTracepoints\":")
        out.string(recording.kernel.missingTracepoints.map { "absent: \($0)" } ?? "present")
        out.raw("}")
    }

    /// What there was, and is not in the file.
    private mutating func writeLosses(_ recording: TraceRecording, pausesWritten: Int) {
        let pauses = recording.threads.reduce(0) { $0 + $1.pauses.count }
        out.raw(",\n\"dropped\":{\"spans\":")
        out.number(recording.droppedSpans)
        out.raw(",\"kernelRecordsLost\":")
        out.number(recording.kernel.lostRecords)
        out.raw(",\"kernelRecordsWithoutRoom\":")
        out.number(recording.kernel.droppedRecords)
        out.raw(",\"offCPUSlicesLeftOut\":")
        out.number(UInt64(pauses - pausesWritten))
        out.raw(",\"threadsNotRecorded\":")
        out.number(UInt64(recording.kernel.unrecordedThreads))
        out.raw(",\"causesNotRecorded\":")
        out.number(UInt64(recording.fuseRequests.count { $0.cause != 0 && $0.causingSpan == nil }))
        out.raw("}")
    }
}
