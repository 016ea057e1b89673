//! Names that look alike at a glance.

/// What a name has in common with all names that look like it; the name itself where nothing else is left. A short list of letters: some
/// look-alikes pass for another name.
pub(crate) fn looks_of(name: &str) -> String {
    let plain = name.chars().flat_map(char::to_lowercase).map(plain).filter(|c| c.is_alphanumeric() || *c == '|');
    let looks: String = plain.map(latin).collect();
    if looks.is_empty() { name.to_owned() } else { looks }
}

/// Without marks, and in its plain form.
fn plain(letter: char) -> char {
    let is_ascii = letter.is_ascii();
    let found = || PLAIN.iter().find(|(_, others)| others.contains(letter));
    if is_ascii { letter } else { found().map_or(letter, |(plain, _)| *plain) }
}

/// The Latin letter for which it passes in most typefaces.
fn latin(letter: char) -> char {
    LATIN.iter().find(|(_, others)| others.contains(letter)).map_or(letter, |(latin, _)| *latin)
}

/// Letters of other scripts, and digits, after [`plain`].
const LATIN: &[(char, &str)] = &[
    ('a', "аα"),
    ('b', "ьвβ"),
    ('c', "сς"),
    ('d', "ԁ"),
    ('e', "еε"),
    ('g', "ɡ"),
    ('h', "һнη"),
    ('i', "іı1l|ι"),
    ('j', "ј"),
    ('k', "кκ"),
    ('m', "м"),
    ('n', "п"),
    ('o', "оο0σ"),
    ('p', "рρ"),
    ('q', "ԛ"),
    ('s', "ѕ"),
    ('t', "тτ"),
    ('u', "υ"),
    ('v', "νѵ"),
    ('w', "ԝω"),
    ('x', "хχ"),
    ('y', "уγ"),
    ('z', "ζ"),
];

/// What one letter or digit is without its marks and in its plain form, for Latin, Greek and Cyrillic letters and digits in lower case: where the
/// compatibility decomposition of Unicode (NFKD), with marks left out, is a single one.
const PLAIN: &[(char, &str)] = &[
    ('0', "⁰₀⓪０𝟎𝟘𝟢𝟬𝟶🯰"),
    ('1', "¹₁①１𝟏𝟙𝟣𝟭𝟷🯱"),
    ('2', "²₂②２𝟐𝟚𝟤𝟮𝟸🯲"),
    ('3', "³₃③３𝟑𝟛𝟥𝟯𝟹🯳"),
    ('4', "⁴₄④４𝟒𝟜𝟦𝟰𝟺🯴"),
    ('5', "⁵₅⑤５𝟓𝟝𝟧𝟱𝟻🯵"),
    ('6', "⁶₆⑥６𝟔𝟞𝟨𝟲𝟼🯶"),
    ('7', "⁷₇⑦７𝟕𝟟𝟩𝟳𝟽🯷"),
    ('8', "⁸₈⑧８𝟖𝟠𝟪𝟴𝟾🯸"),
    ('9', "⁹₉⑨９𝟗𝟡𝟫𝟵𝟿🯹"),
    ('a', "ªàáâãäåāăąǎǟǡǻȁȃȧᴬᵃḁạảấầẩẫậắằẳẵặₐⓐａ𝐀𝐚𝐴𝑎𝑨𝒂𝒜𝒶𝓐𝓪𝔄𝔞𝔸𝕒𝕬𝖆𝖠𝖺𝗔𝗮𝘈𝘢𝘼𝙖𝙰𝚊🄰"),
    ('b', "ᴮᵇḃḅḇℬⓑｂ𝐁𝐛𝐵𝑏𝑩𝒃𝒷𝓑𝓫𝔅𝔟𝔹𝕓𝕭𝖇𝖡𝖻𝗕𝗯𝘉𝘣𝘽𝙗𝙱𝚋🄱"),
    ('c', "çćĉċčᶜḉℂℭⅽⓒꟲｃ𝐂𝐜𝐶𝑐𝑪𝒄𝒞𝒸𝓒𝓬𝔠𝕔𝕮𝖈𝖢𝖼𝗖𝗰𝘊𝘤𝘾𝙘𝙲𝚌🄫🄲"),
    ('d', "ďᴰᵈḋḍḏḑḓⅅⅆⅾⓓｄ𝐃𝐝𝐷𝑑𝑫𝒅𝒟𝒹𝓓𝓭𝔇𝔡𝔻𝕕𝕯𝖉𝖣𝖽𝗗𝗱𝘋𝘥𝘿𝙙𝙳𝚍🄳"),
    ('e', "èéêëēĕėęěȅȇȩᴱᵉḕḗḙḛḝẹẻẽếềểễệₑℯℰⅇⓔｅ𝐄𝐞𝐸𝑒𝑬𝒆𝓔𝓮𝔈𝔢𝔼𝕖𝕰𝖊𝖤𝖾𝗘𝗲𝘌𝘦𝙀𝙚𝙴𝚎🄴"),
    ('f', "ᶠḟℱⓕꟳｆ𝐅𝐟𝐹𝑓𝑭𝒇𝒻𝓕𝓯𝔉𝔣𝔽𝕗𝕱𝖋𝖥𝖿𝗙𝗳𝘍𝘧𝙁𝙛𝙵𝚏🄵"),
    ('g', "ĝğġģǧǵᴳᵍḡℊⓖｇ𝐆𝐠𝐺𝑔𝑮𝒈𝒢𝓖𝓰𝔊𝔤𝔾𝕘𝕲𝖌𝖦𝗀𝗚𝗴𝘎𝘨𝙂𝙜𝙶𝚐🄶"),
    ('h', "ĥȟʰᴴḣḥḧḩḫẖₕℋℌℍℎⓗｈ𝐇𝐡𝐻𝑯𝒉𝒽𝓗𝓱𝔥𝕙𝕳𝖍𝖧𝗁𝗛𝗵𝘏𝘩𝙃𝙝𝙷𝚑🄷"),
    ('i', "ìíîïĩīĭįǐȉȋᴵᵢḭḯỉịⁱℐℑℹⅈⅰⓘｉ𝐈𝐢𝐼𝑖𝑰𝒊𝒾𝓘𝓲𝔦𝕀𝕚𝕴𝖎𝖨𝗂𝗜𝗶𝘐𝘪𝙄𝙞𝙸𝚒🄸"),
    ('j', "ĵǰʲᴶⅉⓙⱼｊ𝐉𝐣𝐽𝑗𝑱𝒋𝒥𝒿𝓙𝓳𝔍𝔧𝕁𝕛𝕵𝖏𝖩𝗃𝗝𝗷𝘑𝘫𝙅𝙟𝙹𝚓🄹"),
    ('k', "ķǩᴷᵏḱḳḵₖⓚｋ𝐊𝐤𝐾𝑘𝑲𝒌𝒦𝓀𝓚𝓴𝔎𝔨𝕂𝕜𝕶𝖐𝖪𝗄𝗞𝗸𝘒𝘬𝙆𝙠𝙺𝚔🄺"),
    ('l', "ĺļľˡᴸḷḹḻḽₗℒℓⅼⓛｌ𝐋𝐥𝐿𝑙𝑳𝒍𝓁𝓛𝓵𝔏𝔩𝕃𝕝𝕷𝖑𝖫𝗅𝗟𝗹𝘓𝘭𝙇𝙡𝙻𝚕🄻"),
    ('m', "ᴹᵐḿṁṃₘℳⅿⓜｍ𝐌𝐦𝑀𝑚𝑴𝒎𝓂𝓜𝓶𝔐𝔪𝕄𝕞𝕸𝖒𝖬𝗆𝗠𝗺𝘔𝘮𝙈𝙢𝙼𝚖🄼"),
    ('n', "ñńņňǹᴺṅṇṉṋⁿₙℕⓝｎ𝐍𝐧𝑁𝑛𝑵𝒏𝒩𝓃𝓝𝓷𝔑𝔫𝕟𝕹𝖓𝖭𝗇𝗡𝗻𝘕𝘯𝙉𝙣𝙽𝚗🄽"),
    ('o', "ºòóôõöōŏőơǒǫǭȍȏȫȭȯȱᴼᵒṍṏṑṓọỏốồổỗộớờởỡợₒℴⓞｏ𝐎𝐨𝑂𝑜𝑶𝒐𝒪𝓞𝓸𝔒𝔬𝕆𝕠𝕺𝖔𝖮𝗈𝗢𝗼𝘖𝘰𝙊𝙤𝙾𝚘🄾"),
    ('p', "ᴾᵖṕṗₚℙⓟｐ𝐏𝐩𝑃𝑝𝑷𝒑𝒫𝓅𝓟𝓹𝔓𝔭𝕡𝕻𝖕𝖯𝗉𝗣𝗽𝘗𝘱𝙋𝙥𝙿𝚙🄿"),
    ('q', "ℚⓠꟴｑ𐞥𝐐𝐪𝑄𝑞𝑸𝒒𝒬𝓆𝓠𝓺𝔔𝔮𝕢𝕼𝖖𝖰𝗊𝗤𝗾𝘘𝘲𝙌𝙦𝚀𝚚🅀"),
    ('r', "ŕŗřȑȓʳᴿᵣṙṛṝṟℛℜℝⓡｒ𝐑𝐫𝑅𝑟𝑹𝒓𝓇𝓡𝓻𝔯𝕣𝕽𝖗𝖱𝗋𝗥𝗿𝘙𝘳𝙍𝙧𝚁𝚛🄬🅁"),
    ('s', "śŝşšſșˢṡṣṥṧṩẛₛⓢｓ𝐒𝐬𝑆𝑠𝑺𝒔𝒮𝓈𝓢𝓼𝔖𝔰𝕊𝕤𝕾𝖘𝖲𝗌𝗦𝘀𝘚𝘴𝙎𝙨𝚂𝚜🅂"),
    ('t', "ţťțᵀᵗṫṭṯṱẗₜⓣｔ𝐓𝐭𝑇𝑡𝑻𝒕𝒯𝓉𝓣𝓽𝔗𝔱𝕋𝕥𝕿𝖙𝖳𝗍𝗧𝘁𝘛𝘵𝙏𝙩𝚃𝚝🅃"),
    ('u', "ùúûüũūŭůűųưǔǖǘǚǜȕȗᵁᵘᵤṳṵṷṹṻụủứừửữựⓤｕ𝐔𝐮𝑈𝑢𝑼𝒖𝒰𝓊𝓤𝓾𝔘𝔲𝕌𝕦𝖀𝖚𝖴𝗎𝗨𝘂𝘜𝘶𝙐𝙪𝚄𝚞🅄"),
    ('v', "ᵛᵥṽṿⅴⓥⱽｖ𝐕𝐯𝑉𝑣𝑽𝒗𝒱𝓋𝓥𝓿𝔙𝔳𝕍𝕧𝖁𝖛𝖵𝗏𝗩𝘃𝘝𝘷𝙑𝙫𝚅𝚟🅅"),
    ('w', "ŵʷᵂẁẃẅẇẉẘⓦｗ𝐖𝐰𝑊𝑤𝑾𝒘𝒲𝓌𝓦𝔀𝔚𝔴𝕎𝕨𝖂𝖜𝖶𝗐𝗪𝘄𝘞𝘸𝙒𝙬𝚆𝚠🅆"),
    ('x', "ˣẋẍₓⅹⓧｘ𝐗𝐱𝑋𝑥𝑿𝒙𝒳𝓍𝓧𝔁𝔛𝔵𝕏𝕩𝖃𝖝𝖷𝗑𝗫𝘅𝘟𝘹𝙓𝙭𝚇𝚡🅇"),
    ('y', "ýÿŷȳʸẏẙỳỵỷỹⓨｙ𝐘𝐲𝑌𝑦𝒀𝒚𝒴𝓎𝓨𝔂𝔜𝔶𝕐𝕪𝖄𝖞𝖸𝗒𝗬𝘆𝘠𝘺𝙔𝙮𝚈𝚢🅈"),
    ('z', "źżžᶻẑẓẕℤℨⓩｚ𝐙𝐳𝑍𝑧𝒁𝒛𝒵𝓏𝓩𝔃𝔷𝕫𝖅𝖟𝖹𝗓𝗭𝘇𝘡𝘻𝙕𝙯𝚉𝚣🅉"),
    ('α', "άἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ𝚨𝛂𝛢𝛼𝜜𝜶𝝖𝝰𝞐𝞪"),
    ('β', "ϐᵝᵦ𝚩𝛃𝛣𝛽𝜝𝜷𝝗𝝱𝞑𝞫"),
    ('γ', "ᵞᵧℽℾ𝚪𝛄𝛤𝛾𝜞𝜸𝝘𝝲𝞒𝞬"),
    ('δ', "ᵟ𝚫𝛅𝛥𝛿𝜟𝜹𝝙𝝳𝞓𝞭"),
    ('ε', "έϵἐἑἒἓἔἕὲέ𝚬𝛆𝛜𝛦𝜀𝜖𝜠𝜺𝝐𝝚𝝴𝞊𝞔𝞮𝟄"),
    ('ζ', "𝚭𝛇𝛧𝜁𝜡𝜻𝝛𝝵𝞕𝞯"),
    ('η', "ήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ𝚮𝛈𝛨𝜂𝜢𝜼𝝜𝝶𝞖𝞰"),
    ('θ', "ϑᶿ𝚯𝚹𝛉𝛝𝛩𝛳𝜃𝜗𝜣𝜭𝜽𝝑𝝝𝝧𝝷𝞋𝞗𝞡𝞱𝟅"),
    ('ι', "ΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ𝚰𝛊𝛪𝜄𝜤𝜾𝝞𝝸𝞘𝞲"),
    ('κ', "ϰ𝚱𝛋𝛞𝛫𝜅𝜘𝜥𝜿𝝒𝝟𝝹𝞌𝞙𝞳𝟆"),
    ('λ', "𝚲𝛌𝛬𝜆𝜦𝝀𝝠𝝺𝞚𝞴"),
    ('μ', "µ𝚳𝛍𝛭𝜇𝜧𝝁𝝡𝝻𝞛𝞵"),
    ('ν', "𝚴𝛎𝛮𝜈𝜨𝝂𝝢𝝼𝞜𝞶"),
    ('ξ', "𝚵𝛏𝛯𝜉𝜩𝝃𝝣𝝽𝞝𝞷"),
    ('ο', "όὀὁὂὃὄὅὸό𝚶𝛐𝛰𝜊𝜪𝝄𝝤𝝾𝞞𝞸"),
    ('π', "ϖℼℿ𝚷𝛑𝛡𝛱𝜋𝜛𝜫𝝅𝝕𝝥𝝿𝞏𝞟𝞹𝟉"),
    ('ρ', "ϱᵨῤῥ𝚸𝛒𝛠𝛲𝜌𝜚𝜬𝝆𝝔𝝦𝞀𝞎𝞠𝞺𝟈"),
    ('ς', "ϲ𝛓𝜍𝝇𝞁𝞻"),
    ('σ', "𝚺𝛔𝛴𝜎𝜮𝝈𝝨𝞂𝞢𝞼"),
    ('τ', "𝚻𝛕𝛵𝜏𝜯𝝉𝝩𝞃𝞣𝞽"),
    ('υ', "ΰϋύϒϓϔὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ𝚼𝛖𝛶𝜐𝜰𝝊𝝪𝞄𝞤𝞾"),
    ('φ', "ϕᵠᵩ𝚽𝛗𝛟𝛷𝜑𝜙𝜱𝝋𝝓𝝫𝞅𝞍𝞥𝞿𝟇"),
    ('χ', "ᵡᵪ𝚾𝛘𝛸𝜒𝜲𝝌𝝬𝞆𝞦𝟀"),
    ('ψ', "𝚿𝛙𝛹𝜓𝜳𝝍𝝭𝞇𝞧𝟁"),
    ('ω', "ώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ𝛀𝛚𝛺𝜔𝜴𝝎𝝮𝞈𝞨𝟂"),
    ('ϝ', "𝟊𝟋"),
    ('а', "ӑӓ"),
    ('г', "ѓ"),
    ('е', "ѐёӗ"),
    ('ж', "ӂӝ"),
    ('з', "ӟ"),
    ('и', "йѝӣӥ"),
    ('к', "ќ"),
    ('н', "ᵸ"),
    ('о', "ӧ"),
    ('у', "ўӯӱӳ"),
    ('ч', "ӵ"),
    ('ъ', "ꚜ"),
    ('ы', "ӹ"),
    ('ь', "ꚝ"),
    ('э', "ӭ"),
    ('і', "ї"),
    ('ѵ', "ѷ"),
    ('ә', "ӛ"),
    ('ө', "ӫ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_other_letters_looks_the_same() {
        let looks = looks_of("Amara Okafor");
        let others = [
            "amara okafor",
            "Amara  Okafor",
            // Cyrillic, Greek, full width, a digit, an accent in one character and in two, bold of mathematics, a dot at the end.
            "Am\u{430}ra Okafor",
            "\u{391}mara Okaf\u{3BF}r",
            "\u{FF21}mara Okafor",
            "Amara 0kafor",
            "Am\u{E1}ra Okafor",
            "Ama\u{301}ra Okafor",
            "\u{1D400}mara Okafor",
            "Amara Okafor.",
        ];
        for other in others {
            assert_eq!(looks_of(other), looks, "{other}");
        }
    }

    #[test]
    fn names_that_differ_look_different() {
        let names = ["Amara Okafor", "Tamara Okafor", "Kim", "Kym", "דנה", "דינה", "张伟", "张玮", "🦊", "🐻"];
        let looks: std::collections::BTreeSet<_> = names.iter().map(|name| looks_of(name)).collect();
        assert_eq!(looks.len(), names.len());
    }

    #[test]
    fn where_nothing_is_left_it_is_the_name() {
        assert_eq!(looks_of("🦊"), "🦊");
        assert_eq!(looks_of(""), "");
    }
}
