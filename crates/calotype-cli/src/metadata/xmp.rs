//! XMP packets: little changes, of well-formed XML that else stays as it is, byte by byte.

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::{NsReader, Writer};

const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const NOTE: &str = "http://ns.adobe.com/xmp/note/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// Names that begin so are of GPS in every namespace: drones write them in those of their makers.
const GPS: &[u8] = b"gps";
/// Namespaces, and their properties that say where a picture was taken or what place it shows.
const PLACES: [(&str, &[&str]); 5] = [
    ("http://ns.adobe.com/photoshop/1.0/", &["City", "State", "Country"]),
    ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", &["Location", "CountryCode"]),
    (
        "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        &[
            "LocationCreated",
            "LocationShown",
            // What these are made of.
            "City",
            "CountryCode",
            "CountryName",
            "LocationId",
            "LocationName",
            "ProvinceState",
            "Sublocation",
            "WorldRegion",
        ],
    ),
    ("http://www.w3.org/2003/01/geo/wgs84_pos#", &["lat", "long", "alt", "lat_long", "location"]),
    ("http://ns.adobe.com/xmp/1.0/DynamicMedia/", &["shotLocation"]),
];

/// The namespace and the local name of an attribute or of an element.
type Name<'a> = (&'a [u8], &'a [u8]);

fn is(name: Name<'_>, namespace: &str, local: &str) -> bool {
    name == (namespace.as_bytes(), local.as_bytes())
}

/// What is to be changed.
struct Change<'a> {
    /// What becomes of a property: `None` is to stay as it is, an empty value is to go.
    property: &'a dyn Fn(Name<'_>) -> Option<String>,
    /// XML that comes at the end of the packet's RDF.
    append: &'a [u8],
}

const AS_IT_IS: Change<'_> = Change { property: &|_| None, append: &[] };

/// tiff:Orientation, 1 to 8.
pub fn orientation(xmp: &[u8]) -> Option<u8> {
    let value = value(xmp, TIFF, "Orientation")?;
    value.trim().parse().ok().filter(|value| (1..=8).contains(value))
}

/// The GUID of the extended XMP that belongs to this one.
pub fn extension(xmp: &[u8]) -> Option<String> {
    value(xmp, NOTE, "HasExtendedXMP")
}

/// The same packet with tiff:Orientation, where it has one, of this value. `None` if it is not well-formed.
pub fn with_orientation(xmp: &[u8], orientation: u8) -> Option<Vec<u8>> {
    let property = |name: Name<'_>| is(name, TIFF, "Orientation").then(|| orientation.to_string());
    changed(xmp, &Change { property: &property, ..AS_IT_IS })
}

/// The same packet without places, of GPS and by name. `None` if it is not well-formed.
pub fn without_places(xmp: &[u8]) -> Option<Vec<u8>> {
    let property = |name: Name<'_>| is_place(name).then(String::new);
    changed(xmp, &Change { property: &property, ..AS_IT_IS })
}

fn is_place((namespace, local): Name<'_>) -> bool {
    let by_name = PLACES.iter().any(|(of, names)| namespace == of.as_bytes() && names.iter().any(|name| local == name.as_bytes()));
    by_name || local.get(..GPS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(GPS))
}

/// The same packet that names no extension. `None` if it is not well-formed.
pub fn without_extension(xmp: &[u8]) -> Option<Vec<u8>> {
    changed(xmp, &Change { property: &names_extension, ..AS_IT_IS })
}

/// One packet of the main one and of its extension. `None` if one is not well-formed.
pub fn joined(xmp: &[u8], extension: &[u8]) -> Option<Vec<u8>> {
    changed(xmp, &Change { property: &names_extension, append: &descriptions(extension)? })
}

fn names_extension(name: Name<'_>) -> Option<String> {
    is(name, NOTE, "HasExtendedXMP").then(String::new)
}

/// Calls `each` with every event and the names of those that are elements.
fn walk<'a>(xmp: &'a [u8], mut each: impl FnMut(&NsReader<&'a [u8]>, Event<'a>) -> Option<()>) -> Option<()> {
    let mut reader = NsReader::from_reader(xmp);
    let mut depth = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Eof => return (depth == 0).then_some(()),
            event => {
                depth += match event {
                    Event::Start(_) => 1,
                    Event::End(_) => -1,
                    _ => 0,
                };
                each(&reader, event)?;
            }
        }
    }
}

fn element<'n>(reader: &'n NsReader<&[u8]>, name: QName<'n>) -> Name<'n> {
    let (namespace, local) = reader.resolver().resolve_element(name);
    (bytes(namespace), local.into_inner())
}

fn attribute<'n>(reader: &'n NsReader<&[u8]>, name: QName<'n>) -> Name<'n> {
    let (namespace, local) = reader.resolver().resolve_attribute(name);
    (bytes(namespace), local.into_inner())
}

fn bytes(namespace: ResolveResult<'_>) -> &[u8] {
    if let ResolveResult::Bound(namespace) = namespace { namespace.0 } else { &[] }
}

/// The value of a property, of whichever of its two forms.
fn value(xmp: &[u8], namespace: &str, local: &str) -> Option<String> {
    let (mut found, mut inside) = (None, false);
    walk(xmp, |reader, event| {
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                inside = is(element(reader, start.name()), namespace, local);
                let attributes = start.attributes().filter_map(Result::ok);
                let value =
                    attributes.filter(|one| is(attribute(reader, one.key), namespace, local)).map(|one| one.value.into_owned()).next();
                found = found.take().or(value);
            }
            Event::Text(text) if inside => found = found.take().or_else(|| Some(text.to_vec())),
            Event::End(_) => inside = false,
            _ => {}
        }
        Some(())
    });
    found.and_then(|value| String::from_utf8(value).ok())
}

/// The packet with a change.
fn changed(xmp: &[u8], change: &Change<'_>) -> Option<Vec<u8>> {
    let mut out = Writer::new(Vec::with_capacity(xmp.len() + change.append.len()));
    // How deep it is in an element that goes.
    let mut gone = 0_u32;
    let mut appended = change.append.is_empty();
    walk(xmp, |reader, event| {
        match event {
            Event::Start(_) if gone > 0 => gone += 1,
            Event::End(_) if gone > 0 => gone -= 1,
            _ if gone > 0 => {}
            Event::Start(start) => match (change.property)(element(reader, start.name())) {
                None => out.write_event(Event::Start(with_attributes(reader, start, change)?)).ok()?,
                Some(value) => {
                    gone = 1;
                    write_property(&mut out, &start, &value)?;
                }
            },
            Event::Empty(start) => match (change.property)(element(reader, start.name())) {
                None => out.write_event(Event::Empty(with_attributes(reader, start, change)?)).ok()?,
                Some(value) => write_property(&mut out, &start, &value)?,
            },
            Event::End(end) => {
                if !appended && is(element(reader, end.name()), RDF, "RDF") {
                    out.get_mut().extend_from_slice(change.append);
                    appended = true;
                }
                out.write_event(Event::End(end)).ok()?;
            }
            other => out.write_event(other).ok()?,
        }
        Some(())
    })?;
    appended.then(|| out.into_inner())
}

/// A property as an element, unless it goes.
fn write_property(out: &mut Writer<Vec<u8>>, start: &BytesStart<'_>, value: &str) -> Option<()> {
    if value.is_empty() {
        return Some(());
    }
    out.write_event(Event::Start(start.borrow())).ok()?;
    out.write_event(Event::Text(BytesText::new(value))).ok()?;
    out.write_event(Event::End(BytesEnd::from(start.name()))).ok()
}

/// An element whose attributes are changed, if any is to be.
fn with_attributes<'a>(reader: &NsReader<&'a [u8]>, start: BytesStart<'a>, change: &Change<'_>) -> Option<BytesStart<'a>> {
    let attributes: Vec<_> = start.attributes().collect::<Result<_, _>>().ok()?;
    let of = |key| if is_namespace(key) { None } else { (change.property)(attribute(reader, key)) };
    if attributes.iter().all(|one| of(one.key).is_none()) {
        drop(attributes);
        return Some(start);
    }
    let mut text = str::from_utf8(start.name().0).ok()?.to_string();
    for one in &attributes {
        let value = of(one.key).unwrap_or(str::from_utf8(&one.value).ok()?.to_string());
        if of(one.key).is_none() || !value.is_empty() {
            text += &assignment(one.key, &value)?;
        }
    }
    Some(BytesStart::from_content(text, start.name().0.len()))
}

/// ` key="value"` of a value that is escaped but for the quotes.
fn assignment(key: QName<'_>, value: &str) -> Option<String> {
    Some(format!(" {}=\"{}\"", str::from_utf8(key.0).ok()?, value.replace('"', "&quot;")))
}

/// What is in the RDF of a packet; each of its elements says the namespaces of those around it.
fn descriptions(xmp: &[u8]) -> Option<Vec<u8>> {
    let mut out = Writer::new(Vec::new());
    let mut namespaces: Vec<(Vec<u8>, String)> = Vec::new();
    // How deep it is in the RDF, once it is there.
    let mut depth: Option<u32> = None;
    walk(xmp, |reader, event| {
        match event {
            Event::Start(start) if depth.is_none() => {
                depth = is(element(reader, start.name()), RDF, "RDF").then_some(0);
                for one in start.attributes().filter_map(Result::ok).filter(|one| is_namespace(one.key)) {
                    namespaces.retain(|(key, _)| key != one.key.0);
                    namespaces.push((one.key.0.to_vec(), assignment(one.key, str::from_utf8(&one.value).ok()?)?));
                }
            }
            Event::End(_) if depth == Some(0) => depth = None,
            _ if depth.is_none() => {}
            Event::Start(start) => {
                let start = if depth == Some(0) { with_namespaces(&start, &namespaces)? } else { start };
                depth = depth.map(|depth| depth + 1);
                out.write_event(Event::Start(start)).ok()?;
            }
            Event::Empty(start) => {
                let start = if depth == Some(0) { with_namespaces(&start, &namespaces)? } else { start };
                out.write_event(Event::Empty(start)).ok()?;
            }
            other => {
                depth = depth.map(|depth| depth - u32::from(matches!(other, Event::End(_))));
                out.write_event(other).ok()?;
            }
        }
        Some(())
    })?;
    Some(out.into_inner()).filter(|descriptions| !descriptions.is_empty())
}

fn is_namespace(key: QName<'_>) -> bool {
    key.0 == b"xmlns" || key.0.starts_with(b"xmlns:")
}

/// An element that says these namespaces, unless it says them itself.
fn with_namespaces<'a>(start: &BytesStart<'_>, namespaces: &[(Vec<u8>, String)]) -> Option<BytesStart<'a>> {
    let own: Vec<Vec<u8>> = start.attributes().filter_map(Result::ok).map(|one| one.key.0.to_vec()).collect();
    let missing = namespaces.iter().filter(|(key, _)| !own.contains(key)).map(|(_, text)| text.as_str());
    let text = std::iter::once(str::from_utf8(start).ok()?).chain(missing).collect::<String>();
    Some(BytesStart::from_content(text, start.name().0.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIF: &str = "http://ns.adobe.com/exif/1.0/";

    fn packet(attributes: &str, inside: &str) -> String {
        format!(
            "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>\n\
<r:RDF xmlns:r='{RDF}'><r:Description r:about='' xmlns:t='{TIFF}' xmlns:exif='{EXIF}' xmlns:n='{NOTE}'{attributes}>{inside}</r:Description></r:RDF></x:xmpmeta>   <?xpacket end='w'?>"
        )
    }

    #[test]
    fn orientations_are_found_and_replaced() {
        for (attributes, inside, wanted) in [
            (" t:Orientation='6'", "", packet("", "")),
            ("", "<t:Orientation>6</t:Orientation><!-- x -->", packet("", "<t:Orientation>1</t:Orientation><!-- x -->")),
        ] {
            let xmp = packet(attributes, inside);
            assert_eq!(orientation(xmp.as_bytes()), Some(6));
            let turned = String::from_utf8(with_orientation(xmp.as_bytes(), 1).unwrap()).unwrap();
            assert_eq!(orientation(turned.as_bytes()), Some(1), "{turned}");
            if attributes.is_empty() {
                assert_eq!(turned, wanted);
            }
        }
        let none = packet(" t:Make='a \"b\" &amp; c'", "&lt;&#65;");
        assert_eq!(with_orientation(none.as_bytes(), 1).unwrap(), none.as_bytes(), "what is not changed stays byte by byte");
        assert_eq!(orientation(none.as_bytes()), None);
        assert_eq!(orientation(b"<a xmlns:tiff='other' tiff:Orientation='6'/>"), None, "the namespace decides");
        assert_eq!(with_orientation(b"<a><b></a>", 1), None);
        assert_eq!(with_orientation(b"<a>", 1), None);
    }

    #[test]
    fn places_go() {
        let xmp = packet(" exif:GPSLatitude='1,2N' exif:FNumber='28/10' t:Make='a \"b\"'", "<exif:GPSAltitude><x/>9</exif:GPSAltitude>z");
        let without = String::from_utf8(without_places(xmp.as_bytes()).unwrap()).unwrap();
        assert!(
            !without.contains("GPS") && without.contains("exif:FNumber=\"28/10\" t:Make=\"a &quot;b&quot;\">z</r:Description>"),
            "{without}"
        );
    }

    /// A packet whose description has namespaces of places under these prefixes.
    fn placed(prefixes: [&str; 4], attributes: &str, inside: &str) -> String {
        let [photoshop, core, ext, drone] = prefixes;
        let [(of_photoshop, _), (of_core, _), (of_ext, _), ..] = PLACES;
        let drones = "http://www.dji.com/drone-dji/1.0/";
        format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\"><rdf:Description xmlns:{photoshop}=\"{of_photoshop}\" \
xmlns:{core}=\"{of_core}\" xmlns:{ext}=\"{of_ext}\" xmlns:{drone}=\"{drones}\"{attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>"
        )
    }

    #[test]
    fn places_by_name_go_in_every_form() {
        let prefixes = ["photoshop", "Iptc4xmpCore", "Iptc4xmpExt", "drone-dji"];
        let without = |xmp: &str| String::from_utf8(without_places(xmp.as_bytes()).unwrap()).unwrap();
        let attributes = " photoshop:City=\"Lacock\" photoshop:Credit=\"T\" photoshop:State=\"Wilts\" photoshop:Country=\"UK\" \
Iptc4xmpCore:Location=\"Abbey\" Iptc4xmpCore:Scene=\"1\" Iptc4xmpCore:CountryCode=\"GB\" drone-dji:GpsLatitude=\"51\" drone-dji:Model=\"x\"";
        let kept = " photoshop:Credit=\"T\" Iptc4xmpCore:Scene=\"1\" drone-dji:Model=\"x\"";
        assert_eq!(without(&placed(prefixes, attributes, "a")), placed(prefixes, kept, "a"), "attributes");
        let elements = "<photoshop:City>Lacock</photoshop:City>\n<photoshop:Credit>T</photoshop:Credit><photoshop:State/><photoshop:Country>UK</photoshop:Country>\
<Iptc4xmpCore:Location>Abbey</Iptc4xmpCore:Location><Iptc4xmpCore:CountryCode>GB</Iptc4xmpCore:CountryCode>\
<drone-dji:GpsLongtitude>2</drone-dji:GpsLongtitude>";
        assert_eq!(without(&placed(prefixes, "", elements)), placed(prefixes, "", "\n<photoshop:Credit>T</photoshop:Credit>"), "elements");
        let structures = "<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li rdf:parseType=\"Resource\"><Iptc4xmpExt:City>B</Iptc4xmpExt:City>\
<Iptc4xmpExt:LocationName><rdf:Alt><rdf:li xml:lang=\"x-default\">C</rdf:li></rdf:Alt></Iptc4xmpExt:LocationName></rdf:li>\
<rdf:li Iptc4xmpExt:Sublocation=\"D\"/></rdf:Bag></Iptc4xmpExt:LocationShown>\
<Iptc4xmpExt:LocationCreated Iptc4xmpExt:WorldRegion=\"E\"/><Iptc4xmpExt:Event>F</Iptc4xmpExt:Event>";
        assert_eq!(
            without(&placed(prefixes, "", structures)),
            placed(prefixes, "", "<Iptc4xmpExt:Event>F</Iptc4xmpExt:Event>"),
            "nested structures"
        );
        let others = ["p", "q", "photoshop", "GPS"];
        let xmp =
            placed(others, " p:City=\"A\" photoshop:CountryName=\"B\" photoshop:Event=\"C\" q:City=\"D\"", "<q:Location>E</q:Location>");
        assert_eq!(without(&xmp), placed(others, " photoshop:Event=\"C\" q:City=\"D\"", ""), "the namespace decides, not the prefix");
        let none = placed(prefixes, " photoshop:Credit='T'", "<photoshop:Headline>City</photoshop:Headline>");
        assert_eq!(without(&none), none, "what is no place stays byte by byte");
    }

    #[test]
    fn coordinates_of_other_vocabularies_go() {
        let [.., (geo, _), (media, _)] = PLACES;
        let inside = format!(
            "<g:lat xmlns:g=\"{geo}\">48.5</g:lat><m:shotLocation xmlns:m=\"{media}\">Paris</m:shotLocation><m:scene xmlns:m=\"{media}\">1</m:scene>"
        );
        let without = String::from_utf8(without_places(packet("", &inside).as_bytes()).unwrap()).unwrap();
        assert!(!without.contains("48.5") && !without.contains("Paris") && without.contains(">1</m:scene>"), "{without}");
    }

    #[test]
    fn an_extension_is_joined() {
        let main = packet(" n:HasExtendedXMP='AB'", "");
        assert_eq!(extension(main.as_bytes()), Some("AB".to_string()));
        let more = format!("<m xmlns:d='dc'><r:RDF xmlns:r='{RDF}'><r:Description d:text='x'><d:y>z</d:y></r:Description></r:RDF></m>");
        let joined = String::from_utf8(joined(main.as_bytes(), more.as_bytes()).unwrap()).unwrap();
        assert!(
            joined.contains(&format!(
                "<r:Description d:text='x' xmlns:d=\"dc\" xmlns:r=\"{RDF}\"><d:y>z</d:y></r:Description></r:RDF></x:xmpmeta>"
            )),
            "{joined}"
        );
        assert!(!joined.contains("HasExtendedXMP"), "{joined}");
        assert_eq!(super::joined(main.as_bytes(), b"<m>"), None);
    }
}
