"""What columns are called in suppliers' exports, in their languages: one word each, folded."""

_WORDS = {
    "sku": (
        "sku id article articleno articlenumber artno art item itemno itemnumber code number no "
        "ref reference mpn artikel artikelnummer artikelnr bestellnummer nummer nr código codigo "
        "référence codice articolo artykuł indeks kod symbol kód číslo артикул код номер арт ид "
        "идентификатор ідентифікатор"
    ),
    "name": (
        "name title product label productname producttitle titel bezeichnung artikelbezeichnung "
        "produktname nom désignation libellé produit nombre producto artículo nome prodotto "
        "titolo nazwa tytuł produkt název zboží назва найменування товар товару наименование "
        "название товара номенклатура"
    ),
    "brand_name": (
        "brand brandname vendor maker manufacturer producer marke hersteller marque fabricant "
        "marca fabricante produttore marka producent značka výrobce бренд виробник "
        "производитель марка"
    ),
    "category": (
        "category categories categorypath path group productgroup type section department "
        "kategorie warengruppe gruppe catégorie rayon categoría grupo categoria gruppo kategoria "
        "grupa skupina категорія група розділ категория группа раздел"
    ),
    "description": (
        "description desc longdescription details text body beschreibung langtext descripción "
        "descrizione opis popis опис описание"
    ),
    "quantity": (
        "quantity qty stock count pieces amount available onhand inventory bestand lagerbestand "
        "menge lager stückzahl quantité cantidad existencias stock giacenza quantità ilość stan "
        "množství skladem кількість залишок остаток количество наличие склад"
    ),
    "price_retail": (
        "price cost retail retailprice rrp msrp amount gross preis verkaufspreis vk uvp brutto "
        "prix tarif precio pvp prezzo listino cena kwota ціна вартість цена стоимость ррц "
        "розница роздріб"
    ),
    "currency": (
        "currency curr currencycode iso währung waehrung devise moneda divisa valuta waluta měna "
        "валюта"
    ),
    "availability": (
        "availability available stock status instock verfügbarkeit verfügbar lieferbar "
        "disponibilité disponible disponibilidad disponibilità dostępność dostupnost наявність "
        "наличие доступность доступність"
    ),
    "url": ("url link href page producturl permalink lien enlace odkaz посилання ссылка"),
    "image_url": (
        "image imageurl imagelink img picture photo bild bildurl foto imagen immagine zdjęcie "
        "obrázek фото зображення картинка изображение url"
    ),
    "status": "status state zustand statut estado stato stan stav статус стан",
}

COLUMN_WORDS = {field: frozenset(words.split()) for field, words in _WORDS.items()}
"""Field to words."""
