Routes = {}
