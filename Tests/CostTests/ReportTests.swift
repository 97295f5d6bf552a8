import Foundation
import FoundationXML
import Telemetry
import Testing

@testable import Cost

@Suite struct ReportTests {
    @Test func theSentenceNamesTheLargestCausesAndCalls() {
        #expect(
            Rounds.report().sentence
                == "A request takes a worker 228.0 µs through the mount and 31.2 µs directly. Of the 196.8 µs more, "
                + "75 % go to context switches (10.32 of them) and 10 % go to copies (26,400 bytes of READs); "
                + "by the server's calls, its opens take 69 %, and its reads take 26 %.")
    }

    @Test func whatIsNoiseHasNoShares() {
        let report = Rounds.report([.init(bypass: Rounds.bypass(), mount: Rounds.bypass(31.3))])
        #expect(
            report.sentence
                == "A request takes a worker 31.3 µs through the mount and 31.2 µs directly: "
                + "the mount costs nothing that can be told from noise.")
        #expect(!report.text.contains("%"))
        #expect(report.text.contains("–"))
    }

    @Test func whoeverElseUsesTheProcessorsIsMentioned() {
        var round = Rounds.seedRound
        #expect(!Rounds.report([round]).text.contains("Other programs"))
        round.mount.othersShare = 0.427
        #expect(Rounds.report([round]).text.contains("\nOther programs used 43 % of the processors meanwhile: "))
    }

    @Test func theTextHasBothTables() {
        let report = Rounds.report([Rounds.seedRound, Rounds.seedRound, Rounds.seedRound])
        let expected = """
            serverfs cost www: /index.html (26,400 bytes), 400 connections of wrk, 2 workers
            fuse-api lowlevel

            a request            µs of a worker   share   how often
              bypass                       31.2           0.03 context switches
            + lookups                      13.8     7 %   2.00 LOOKUP, 1.00 GETATTR
            + opens                         8.4     4 %   1.00 OPEN, 1.00 RELEASE
            + reads                         8.3     4 %   2.00 READ
            + copies                       18.8    10 %   26,400 bytes of READs
            + context switches            146.8    75 %   10.32: http 5.12, fuse 5.20
            + everything else               0.7     0 %
            = mount                       228.0           7.00 FUSE requests

            the same by call            bypass   mount    more   share
              receive, parse, resolve      2.3     2.3     0.0     0 %
              statx                        0.0     0.0     0.0     0 %
              open                         3.8   140.0   136.2    69 %
              read                         0.0    50.5    50.5    26 %
              send                         8.5    17.8     9.3     5 %
              close, event loop           16.6    17.4     0.8     0 %
            = together                    31.2   228.0   196.8

            requests/s: bypass 64,103, mount 8,770: a share of 0.14, the median of 3 rounds (0.14 to 0.14)
            processor time a request, µs: bypass 15.0, mount 80.0 and 70.0 of FUSE threads

            \(report.sentence)

            """
        #expect(report.text == expected)
    }

    @Test(arguments: ["www", "<&\"'>\u{1}\u{fffe}", "☃ ]]> -->"])
    func thePictureIsXML(_ docroot: String) throws {
        let report = Rounds.report(docroot: docroot)
        let reader = PictureReader()
        let parser = XMLParser(data: Data(CostPicture(report).text.utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(reader.elements["svg"] == 1)
        #expect(reader.elements["title"] == 1)
        #expect(reader.elements["desc"] == 1)
        // Its ground, and a bar for the bypass, each step, and the mount.
        #expect(reader.elements["rect"] == 9)
        for step in report.waterfall.steps {
            #expect(reader.text.contains(step.cause.name))
            #expect(reader.text.contains("\(step.time)"))
        }
        // In lines, and in the description.
        let words = reader.text.split(whereSeparator: \.isWhitespace).joined()
        let sentence = report.sentence.filter { $0 != " " }
        #expect(words.split(separator: sentence, omittingEmptySubsequences: false).count == 3)
    }

    /// A step back goes from right to left, and no bar has a width that SVG does not know.
    @Test func aNegativeStepIsDrawn() {
        let picture = CostPicture(Rounds.report([.init(bypass: Rounds.bypass(), mount: Rounds.seed(180))])).text
        #expect(picture.contains("class=\"less\""))
        #expect(!picture.contains("width=\"-"))
    }

    /// Counters of a server that has run for long, and threads whose figures have gone back meanwhile: the differences are near
    /// 2⁶⁴ then. There is nothing to be learnt from such a report, but that it can be written.
    @Test func noCounterIsTooLargeForAReport() {
        var run = CostRun(workers: 64, nanoseconds: 1)
        run.requests = 1
        (run.bodyBytes, run.readBytes) = (.max, .max)
        for phase in RequestPhase.allCases { run.phaseNanoseconds[phase] = .max }
        for operation in FuseOperation.allCases {
            run.fuseRequests[operation] = .max
            run.serviceNanoseconds[operation] = .max
            run.replyNanoseconds[operation] = .max
        }
        let work = ThreadWork(voluntarySwitches: .max, involuntarySwitches: .max, processorNanoseconds: .max)
        (run.httpThreads, run.fuseThreads) = (work, work)
        var idle = CostRun(workers: 1, nanoseconds: .max)
        idle.requests = .max
        for round in [CostMeasurement.Round(bypass: run, mount: run), .init(bypass: idle, mount: run)] {
            let report = Rounds.report([round])
            let steps = report.waterfall.steps.reduce(0) { $0 + $1.time.tenths }
            #expect(report.waterfall.bypass.tenths + steps == report.waterfall.mount.tenths)
            #expect(report.text.contains("= mount"))
            #expect(CostPicture(report).text.hasSuffix("</svg>\n"))
        }
    }

    @Test func numbersAreWrittenInFull() {
        #expect([0, 7, 999, 1000, 26_400].map { grouped($0) } == ["0", "7", "999", "1,000", "26,400"])
        #expect(grouped(1_234_567) == "1,234,567")
        #expect([0, 0.004, 1.005, 10.2, -0.25].map { hundredths($0) } == ["0.00", "0.00", "1.00", "10.20", "-0.25"])
        let largest = 1_000_000_000_000_000
        #expect([Double.nan, .infinity, -.infinity].map(wholeNumber) == [0, largest, -largest])
        let times = [0, 5, -5, 1234, -1234].map { "\(Microseconds(tenths: $0))" }
        #expect(times == ["0.0", "0.5", "-0.5", "123.4", "-123.4"])
    }
}

private final class PictureReader: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var text = ""

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[name, default: 0] += 1
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
