/// HTTP dates (RFC 9110 section 5.6.7), as seconds since 1970 in UTC without leap seconds. Any thread.
package enum HTTPDate {
    /// The length in bytes of the form that is written: `Sun, 06 Nov 1994 08:49:37 GMT`.
    package static let byteCount = 29

    /// The seconds that have four-digit years: 0001-01-01T00:00:00 to 9999-12-31T23:59:59.
    package static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    static let secondsPerDay: Int64 = 86_400
    static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    /// Writes `seconds` as IMF-fixdate to the first 29 bytes of `output`, which must have them.
    ///
    /// A time outside of `secondsRange` is written as the nearest one inside.
    package static func format(_ seconds: Int64, into output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= byteCount)
        let clamped = min(max(seconds, secondsRange.lowerBound), secondsRange.upperBound)
        let day = CivilDay(secondsSince1970: clamped)
        let secondOfDay = Int(clamped - day.daysSince1970 * secondsPerDay)
        let template: StaticString = "Sun, 06 Nov 1994 08:49:37 GMT"
        unsafe output.baseAddress!.copyMemory(from: template.utf8Start, byteCount: byteCount)

        func copyName(_ names: StaticString, _ index: Int, to offset: Int) {
            for byte in 0..<3 { unsafe output[offset + byte] = names.utf8Start[3 * index + byte] }
        }
        func writePair(_ value: Int, to offset: Int) {
            unsafe output[offset] = ASCII.zero + UInt8(value / 10)
            unsafe output[offset + 1] = ASCII.zero + UInt8(value % 10)
        }
        copyName(weekdays, day.weekday, to: 0)
        writePair(day.day, to: 5)
        copyName(months, day.month - 1, to: 8)
        writePair(day.year / 100, to: 12)
        writePair(day.year % 100, to: 14)
        writePair(secondOfDay / 3600, to: 17)
        writePair(secondOfDay / 60 % 60, to: 20)
        writePair(secondOfDay % 60, to: 23)
    }
}

/// A day of the proleptic Gregorian calendar.
///
/// Years start in March here while computing: the leap day comes last, and month lengths follow one line.
struct CivilDay {
    let year: Int
    let month: Int
    let day: Int
    let daysSince1970: Int64

    private static let daysPerEra: Int64 = 146_097  // 400 years
    private static let daysFromMarchYear0To1970: Int64 = 719_468

    /// The day that `seconds` since 1970 lie in.
    init(secondsSince1970 seconds: Int64) {
        let (quotient, remainder) = seconds.quotientAndRemainder(dividingBy: HTTPDate.secondsPerDay)
        daysSince1970 = remainder < 0 ? quotient - 1 : quotient
        let days = daysSince1970 + Self.daysFromMarchYear0To1970
        let era = (days >= 0 ? days : days - Self.daysPerEra + 1) / Self.daysPerEra
        let dayOfEra = Int(days - era * Self.daysPerEra)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = Int(era) * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    /// The given day of a year from 0; nil when the month does not have it.
    init?(year: Int, month: Int, day: Int) {
        guard year >= 0, (1...12).contains(month), day >= 1, day <= Self.dayCount(year: year, month: month)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        daysSince1970 = Int64(era) * Self.daysPerEra + Int64(dayOfEra) - Self.daysFromMarchYear0To1970
    }

    /// 0 for Sunday to 6 for Saturday. 1970 began on a Thursday.
    var weekday: Int {
        let remainder = Int((daysSince1970 + 4) % 7)
        return remainder < 0 ? remainder + 7 : remainder
    }

    private static func dayCount(year: Int, month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
