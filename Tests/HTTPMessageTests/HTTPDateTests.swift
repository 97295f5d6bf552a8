import Glibc
import HTTPMessage
import Testing

@Suite struct HTTPDateTests {
    private let now: Int64 = 1_784_000_000  // July 2026

    private func format(_ seconds: Int64) -> String {
        let memory = GuardedMemory(bytesMax: HTTPDate.byteCount)
        let output = memory.tail(HTTPDate.byteCount)
        return withExtendedLifetime(memory) {
            HTTPDate.format(seconds, into: output)
            return String(decoding: output, as: UTF8.self)
        }
    }

    private func parse(_ text: String, now: Int64? = nil) -> Int64? {
        withGuarded(Array(text.utf8)) { HTTPDate.parse($0, nowSeconds: now ?? self.now) }
    }

    private func libraryFormat(_ seconds: Int64, _ pattern: String) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            strftime(buffer.baseAddress!, 64, pattern, &parts)
            return String(cString: buffer.baseAddress!)
        }
    }

    @Test func theExamplesOfTheRFCAreOneDate() {
        #expect(format(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(parse("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(parse("Sun Nov  6 08:49:37 1994") == 784_111_777)
    }

    @Test func randomTimesAgreeWithTheCLibrary() {
        var generator = SeededGenerator(state: 5)
        for _ in 0..<20_000 {
            let seconds = Int64.random(in: 0...HTTPDate.secondsRange.upperBound, using: &generator)
            let text = libraryFormat(seconds, "%a, %d %b %Y %H:%M:%S GMT")
            #expect(format(seconds) == text)
            #expect(parse(text) == seconds)
            #expect(parse(libraryFormat(seconds, "%a %b %e %H:%M:%S %Y")) == seconds)
        }
    }

    @Test func everyDayOfFourCenturiesAgreesWithTheCLibrary() {
        for day in stride(from: Int64(0), to: 146_097, by: 1) {
            let seconds = day * 86_400 + day % 86_400
            guard day % 37 == 0 || day % 1461 < 3 else { continue }
            #expect(format(seconds) == libraryFormat(seconds, "%a, %d %b %Y %H:%M:%S GMT"))
        }
    }

    @Test func shortYearsAreNeverMoreThanFiftyYearsAhead() {
        var generator = SeededGenerator(state: 6)
        let fiftyYears: Int64 = 18_262 * 86_400
        for _ in 0..<5_000 {
            let seconds = now + Int64.random(in: -(49 * 365 * 86_400)...(fiftyYears - 2 * 86_400), using: &generator)
            let text = libraryFormat(seconds, "%A, %d-%b-%y %H:%M:%S GMT")
            let sameCentury = seconds >= 946_684_800
            #expect(parse(text) == seconds, "\(text) \(sameCentury)")
        }
        #expect(parse("Wednesday, 01-Jan-76 00:00:00 GMT") == 3_345_062_400)  // 2076: 49½ years ahead
        #expect(parse("Friday, 01-Jan-77 00:00:00 GMT") == 220_924_800)  // 1977, as 2077 is too far ahead
        #expect(parse("Saturday, 29-Feb-00 00:00:00 GMT") == 951_782_400)
        #expect(parse("Saturday, 29-Feb-77 00:00:00 GMT") == nil)
    }

    @Test func timesOutsideOfFourDigitYearsAreWrittenAsTheNearest() {
        #expect(format(Int64.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(format(Int64.min) == "Mon, 01 Jan 0001 00:00:00 GMT")
        #expect(format(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
        #expect(format(-86_400) == "Wed, 31 Dec 1969 00:00:00 GMT")
        #expect(parse("Wed, 31 Dec 1969 23:59:59 GMT") == -1)
        #expect(parse("Mon, 01 Jan 0001 00:00:00 GMT") == HTTPDate.secondsRange.lowerBound)
    }

    @Test func leapDaysAndLeapSecondsAreTaken() {
        #expect(parse("Tue, 29 Feb 2000 00:00:00 GMT") == 951_782_400)
        #expect(parse("Sat, 31 Dec 2016 23:59:60 GMT") == 1_483_228_800)
        #expect(parse("Thu, 06 Nov 1994 08:49:37 GMT") == 784_111_777, "a wrong day of the week is let pass")
    }

    @Test(arguments: [
        "", "Sun", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 1995 00:00:00 GMT", "Thu, 29 Feb 1900 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sumday, 06-Nov-94 08:49:37 GMT", "Sunday, 32-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
        "Sun Nov 06 08:49:37 94", "Sun Nov  6 08:49:37 1994 ", "Sun Nov  0 08:49:37 1994", "Sun Feb 30 08:49:37 1994",
        "Sun Nov  6 08:49:37 +994", "784111777", "Sun, 06 Nov 1994 08:49:-7 GMT", "Tuesday, 06-Nov-94 08:49:37 GM",
    ])
    func whatIsNoDateIsRefused(text: String) { #expect(parse(text) == nil) }

    @Test func mutatedDatesAreNeverReadOutside() {
        var generator = SeededGenerator(state: 7)
        let memory = GuardedMemory()
        let dates = [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Wednesday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes = dates.randomElement(using: &generator)!
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            bytes.removeLast(Int.random(in: 0...2, using: &generator))
            guard let seconds = HTTPDate.parse(memory.place(bytes).bytes, nowSeconds: now) else { continue }
            #expect(seconds <= HTTPDate.secondsRange.upperBound + 1)
        }
    }
}
