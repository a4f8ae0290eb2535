package talk

import "strings"

// robots are words of the names by which programs that read pages call themselves.
// They are kept short on purpose: a reader of cards takes no picture of a video
// and reports no view, so this is for those few that run the scripts of a page.
// Headless browsers are not among them, for people drive those, too.
func robots() []string {
	return []string{
		"bot/", "bot;", "bot)", "bot ", "bot-", "crawl", "spider", "slurp", "archiver", "scrapy", "fetcher", "inspectiontool",
		"facebookexternalhit", "facebot", "embedly", "iframely", "bingpreview", "google-read-aloud", "googleother", "mediapartners-google",
		"adsbot", "lighthouse", "pagespeed", "gtmetrix", "pingdom", "uptimerobot", "statuscake", "site24x7", "skypeuripreview", "whatsapp/",
		"slack-imgproxy", "vkshare", "prerender", "phantomjs", "urlscan", "safelinks",
	}
}

// robot says whether a browser calls itself a program that no person looks through.
func robot(userAgent string) bool {
	name := strings.ReplaceAll(strings.ToLower(userAgent), "cubot", "") // a maker of telephones
	if strings.HasSuffix(name, "bot") {
		return true
	}
	for _, word := range robots() {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
