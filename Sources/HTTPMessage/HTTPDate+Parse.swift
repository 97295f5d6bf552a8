extension HTTPDate {
    /// The seconds since 1970 of a date in any of the three forms of RFC 9110 section 5.6.7; nil when it is none.
    ///
    /// The day of the week has to be one, but not the right one. A leap second is the second after it. The two-digit
    /// year of the RFC 850 form is taken in the century of `nowSeconds`, or, when that is more than 50 years ahead of
    /// `nowSeconds`, in the century before. Any thread.
    package static func parse(_ bytes: RawSpan, nowSeconds: Int64) -> Int64? {
        guard bytes.byteCount >= 24 else { return nil }
        if bytes.byte(at: 3) == ASCII.space { return parseASCTime(bytes) }
        if bytes.byte(at: 3) == ASCII.comma { return parseFixdate(bytes) }
        return parseRFC850(bytes, nowSeconds: nowSeconds)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func parseFixdate(_ bytes: RawSpan) -> Int64? {
        guard bytes.byteCount == byteCount, index(of: weekdays, in: bytes, at: 0) != nil,
            bytes.hasText(", ", at: 3), let day = number(bytes, at: 5),
            bytes.hasText(" ", at: 7), let month = index(of: months, in: bytes, at: 8),
            bytes.hasText(" ", at: 11), let century = number(bytes, at: 12), let year = number(bytes, at: 14),
            bytes.hasText(" ", at: 16), let time = secondOfDay(bytes, at: 17),
            bytes.hasText(" GMT", at: 25),
            let civil = CivilDay(year: 100 * century + year, month: month + 1, day: day)
        else { return nil }
        return civil.daysSince1970 * secondsPerDay + time
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func parseASCTime(_ bytes: RawSpan) -> Int64? {
        guard bytes.byteCount == 24, index(of: weekdays, in: bytes, at: 0) != nil,
            let month = index(of: months, in: bytes, at: 4),
            bytes.hasText(" ", at: 7), let day = number(bytes, at: 8, padding: ASCII.space),
            bytes.hasText(" ", at: 10), let time = secondOfDay(bytes, at: 11),
            bytes.hasText(" ", at: 19), let century = number(bytes, at: 20), let year = number(bytes, at: 22),
            let civil = CivilDay(year: 100 * century + year, month: month + 1, day: day)
        else { return nil }
        return civil.daysSince1970 * secondsPerDay + time
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    private static func parseRFC850(_ bytes: RawSpan, nowSeconds: Int64) -> Int64? {
        guard let nameEnd = endOfLongWeekday(bytes), bytes.byteCount == nameEnd + 24,
            bytes.hasText(", ", at: nameEnd), let day = number(bytes, at: nameEnd + 2),
            bytes.hasText("-", at: nameEnd + 4), let month = index(of: months, in: bytes, at: nameEnd + 5),
            bytes.hasText("-", at: nameEnd + 8), let shortYear = number(bytes, at: nameEnd + 9),
            bytes.hasText(" ", at: nameEnd + 11), let time = secondOfDay(bytes, at: nameEnd + 12),
            bytes.hasText(" GMT", at: nameEnd + 20)
        else { return nil }
        let now = CivilDay(secondsSince1970: min(max(nowSeconds, 0), secondsRange.upperBound))
        let year = now.year / 100 * 100 + shortYear
        // 50 years on, 29 February may be a day that is not there: any year's last day of the month is near enough.
        guard let limit = CivilDay(year: now.year + 50, month: now.month, day: min(now.day, 28)) else { return nil }
        let isAhead = (year, month + 1, day) > (limit.year, limit.month, now.day)
        guard let civil = CivilDay(year: isAhead ? year - 100 : year, month: month + 1, day: day) else { return nil }
        return civil.daysSince1970 * secondsPerDay + time
    }

    /// The offset after the full name of a weekday at the start.
    private static func endOfLongWeekday(_ bytes: RawSpan) -> Int? {
        guard let weekday = index(of: weekdays, in: bytes, at: 0) else { return nil }
        let rest: StaticString =
            switch weekday {
            case 2: "sday"
            case 3: "nesday"
            case 4: "rsday"
            case 6: "urday"
            default: "day"
            }
        return bytes.hasText(rest, at: 3) ? 3 + rest.utf8CodeUnitCount : nil
    }

    /// Which of the three-letter names, written one behind the other, is at `offset`, where three bytes must be.
    private static func index(of names: StaticString, in bytes: RawSpan, at offset: Int) -> Int? {
        for name in 0..<names.utf8CodeUnitCount / 3 {
            var isSame = true
            for letter in 0..<3 {
                let expected = unsafe names.utf8Start[3 * name + letter]
                isSame = isSame && bytes.byte(at: offset + letter) == expected
            }
            if isSame { return name }
        }
        return nil
    }

    /// The two-digit number at `offset`, whose first digit may be `padding` instead.
    private static func number(_ bytes: RawSpan, at offset: Int, padding: UInt8 = ASCII.zero) -> Int? {
        guard offset + 2 <= bytes.byteCount else { return nil }
        let tens = bytes.byte(at: offset) == padding ? ASCII.zero : bytes.byte(at: offset)
        let ones = bytes.byte(at: offset + 1)
        guard tens.isDigit, ones.isDigit else { return nil }
        return 10 * Int(tens &- ASCII.zero) + Int(ones &- ASCII.zero)
    }

    /// The seconds since midnight of the `08:49:37` at `offset`; the grammar lets the last number be 60.
    private static func secondOfDay(_ bytes: RawSpan, at offset: Int) -> Int64? {
        guard let hour = number(bytes, at: offset), hour < 24,
            bytes.hasText(":", at: offset + 2), let minute = number(bytes, at: offset + 3), minute < 60,
            bytes.hasText(":", at: offset + 5), let second = number(bytes, at: offset + 6), second <= 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60 + second)
    }
}
