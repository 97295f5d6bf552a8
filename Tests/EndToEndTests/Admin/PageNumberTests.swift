import Testing

extension EndToEnd {
    /// What the admin side's page makes of counters beyond 2⁵³: a browser has them to 16 digits.
    @Suite(.timeLimit(.minutes(6)), .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"))
    struct PageNumberTests {
        /// A day at 100,000 requests a second of a second each, and 100 GB a second; then the counters go over 2⁶⁴.
        @Test func aSecondOfADayIsRightToAMillionth() throws {
            let page = try AdminPage()
            let figures = try page.driver.run(
                """
                const status = (uptimeSeconds, requests, bodyBytes, open) => JSON.parse(`{
                    "pid": 1, "uptimeSeconds": ${uptimeSeconds}, "threads": [
                        {"name": "http-0", "threadID": 7, "processorNanoseconds": ${open}, "voluntarySwitches": ${requests},
                         "involuntarySwitches": 18446744073709551615}],
                    "http": {"bypass": {"requests": 0}, "mount": {
                        "requests": ${requests}, "bodyBytes": ${bodyBytes}, "phases": {"open": ${open}},
                        "latency": {"count": ${requests}}}}}`)
                return import('/history.js').then(({ History }) => {
                    const history = new History()
                    history.add(status(86400, '8640000000', '8640000000000000123', '8640000000000000001'))
                    const day = history.add(status(86401, '8640100000', '8640000100000000122', '8640100000000000002'))
                    const past = history.add(status(86402, '8640200000', '77', '18446744073709551615'))
                    const over = history.add(status(86403, '8640300000', '100000000077', '99999999999999'))
                    const near = (value, expected) => Math.abs(value / expected - 1) < 1e-6
                    return [
                        day.mount.rate === 1e5, near(day.mount.bytes, 1e11), near(day.mount.request.phases.open, 1e9),
                        day.threads.get('http-0').voluntary === 1e5, day.threads.get('http-0').involuntary === 0,
                        past.mount.bytes === null, over.mount.bytes === 1e11, over.mount.rate === 1e5,
                        over.mount.request.phases.open === null, over.threads.get('http-0').processor === 0,
                    ].map(String).join(' ')
                })
                """)
            #expect(figures as? String == Array(repeating: "true", count: 10).joined(separator: " "))
            let texts = try page.driver.run(
                """
                return import('/text.js').then((text) => [
                    text.count(JSON.parse('8640000000')), text.bytes(JSON.parse('18446744073709551615')),
                    text.duration(JSON.parse('18446744073709551615')),
                ].join('; '))
                """)
            #expect(texts as? String == "8,640,000,000; 18,447 PB; 213503 d 23 h")
            #expect(try page.complaints() == [])
        }
    }
}
