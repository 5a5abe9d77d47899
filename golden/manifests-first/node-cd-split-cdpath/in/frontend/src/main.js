document.title = "Catalogue"
